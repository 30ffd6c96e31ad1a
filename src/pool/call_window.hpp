// How much of a caller's calls is on its way to the actors of each rank: a caller that is faster than they
// are waits.
#pragma once

#include <cstdint>
#include <unordered_map>

#include "wire/actor_records.hpp"

namespace plenum::pool {

class CallWindow {
public:
    /// A record for that rank may be sent now; a large one may when nothing else is on its way.
    [[nodiscard]] bool has_room(int rank, std::uint64_t bytes) {
        auto const under_way = under_way_[rank];
        return under_way == 0 || under_way + bytes <= most_bytes;
    }
    void sent(int rank, std::uint64_t bytes) {
        under_way_[rank] += bytes;
        total_ += bytes;
    }
    void arrived(wire::ActorHead const& credit) {
        under_way_[credit.rank] -= credit.amount;
        total_ -= credit.amount;
    }
    /// Everything has arrived.
    [[nodiscard]] bool empty() const noexcept { return total_ == 0; }

private:
    static constexpr std::uint64_t most_bytes = 8 << 20;
    std::unordered_map<int, std::uint64_t> under_way_;
    std::uint64_t total_ = 0;
};

}  // namespace plenum::pool
