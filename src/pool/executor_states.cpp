// What an executor tells of its worker states when it leaves as planned.
#include <string>

#include "pool/executor.hpp"
#include "pool/result_ring.hpp"

namespace plenum::pool {

void Executor::leave_states() {
    auto const limit = ring_record_limit(node_.header().ring_bytes);
    states_.leave_all([&](std::uint64_t id, detail::ExitRecord const& record, bool begun) {
        Bytes bytes;
        encode(record, bytes);
        if (bytes.size() > limit) {
            detail::ExitRecord const too_large{.where = record.where,
                                               .has_value = false,
                                               .value = {},
                                               .error = "the result of worker_exit has " +
                                                        std::to_string(record.value.size()) +
                                                        " bytes (the most is about " + std::to_string(limit) +
                                                        "); give more memory with --node-memory"};
            bytes.clear();
            encode(too_large, bytes);
        }
        push(id, begun ? RingRecord::Kind::exit_begun : RingRecord::Kind::exit_result, bytes);
    });
}

}  // namespace plenum::pool
