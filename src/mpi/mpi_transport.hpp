// The transport over MPI: two-sided, nonblocking, large payloads in pieces.
#pragma once

#include <mpi.h>

#include <deque>
#include <list>
#include <memory>
#include <vector>

#include "comm/transport.hpp"

namespace plenum::mpi {

/// Owns nothing of MPI; `communicator` outlives it and has returning error handlers.
class MpiTransport : public comm::Transport {
public:
    /// `piece_bytes`: the most that one MPI message carries of a payload.
    explicit MpiTransport(MPI_Comm communicator, std::size_t piece_bytes = std::size_t{1} << 28);

    int rank() const noexcept override { return rank_; }
    int ranks() const noexcept override { return ranks_; }
    void send(int to, wire::Message message) override;
    std::optional<comm::Incoming> receive() override;
    bool ready() const noexcept override { return !loopback_.empty(); }
    bool busy() const noexcept override { return !sends_.empty() || receiving_ > 0 || !loopback_.empty(); }
    std::vector<std::string> exchange(std::string_view mine) override;
    void barrier() override;

private:
    struct Outgoing {
        std::vector<MPI_Request> requests;
        Bytes head;
        wire::Payload payload;
    };
    struct Arriving {
        std::vector<MPI_Request> requests;
        wire::Frame frame;
        std::uint64_t payload_bytes = 0;
        bool posted = false;  ///< its payload has memory and is on its way
    };

    void test_sends();
    bool probe();
    void note_head(int source, Bytes head);
    void post_receives();
    void post_pieces(std::vector<MPI_Request>& requests, std::size_t bytes, auto&& post);

    MPI_Comm communicator_;
    std::size_t piece_bytes_;
    int rank_ = 0, ranks_ = 1;
    std::deque<wire::Message> loopback_;
    std::list<Outgoing> sends_;
    std::vector<std::deque<Arriving>> arriving_;  // by source, in order
    std::size_t receiving_ = 0;                   // entries of arriving_
    std::uint64_t posted_bytes_ = 0;              // of payloads that have memory but are not delivered yet
    std::size_t next_source_ = 0;                 // fairness between sources
};

}  // namespace plenum::mpi
