#include "mpi/mpi_transport.hpp"

#include <time.h>

#include <algorithm>
#include <climits>
#include <cstring>
#include <numeric>

#include "mpi/mpi_error.hpp"

namespace plenum::mpi {
namespace {

constexpr int tag_head = 1;
constexpr int tag_payload = 2;
constexpr std::uint64_t posted_most = 64 << 20;  // of payloads under way at a receiver; one may be larger

struct Head {
    std::uint32_t kind;
    std::uint32_t reserved;
    std::uint64_t payload_bytes;
};

bool all_done(std::vector<MPI_Request>& requests) {
    if (requests.empty()) return true;
    int done = 0;
    check("MPI_Testall",
          MPI_Testall(static_cast<int>(requests.size()), requests.data(), &done, MPI_STATUSES_IGNORE));
    return done != 0;
}

}  // namespace

MpiTransport::MpiTransport(MPI_Comm communicator, std::size_t piece_bytes)
    : communicator_(communicator), piece_bytes_(std::min<std::size_t>(piece_bytes, INT_MAX)) {
    check("MPI_Comm_rank", MPI_Comm_rank(communicator, &rank_));
    check("MPI_Comm_size", MPI_Comm_size(communicator, &ranks_));
    arriving_.resize(static_cast<std::size_t>(ranks_));
}

void MpiTransport::post_pieces(std::vector<MPI_Request>& requests, std::size_t bytes, auto&& post) {
    for (std::size_t at = 0; at < bytes; at += piece_bytes_)
        post(at, static_cast<int>(std::min(piece_bytes_, bytes - at)), &requests.emplace_back());
}

void MpiTransport::send(int to, wire::Message message) {
    if (to == rank_) {
        loopback_.push_back(std::move(message));
        return;
    }
    auto frame = wire::to_frame(std::move(message));
    auto& out = sends_.emplace_back();
    Head const head{.kind = frame.kind, .reserved = 0, .payload_bytes = frame.payload.bytes.size()};
    out.head.resize(sizeof head + frame.header.size());
    std::memcpy(out.head.data(), &head, sizeof head);
    std::copy(frame.header.begin(), frame.header.end(), out.head.begin() + sizeof head);
    out.payload = std::move(frame.payload);
    check("MPI_Isend", MPI_Isend(out.head.data(), static_cast<int>(out.head.size()), MPI_BYTE, to, tag_head,
                                 communicator_, &out.requests.emplace_back()));
    post_pieces(out.requests, out.payload.bytes.size(), [&](std::size_t at, int count, MPI_Request* request) {
        check("MPI_Isend", MPI_Isend(out.payload.bytes.data() + at, count, MPI_BYTE, to, tag_payload,
                                     communicator_, request));
    });
}

void MpiTransport::test_sends() {
    std::erase_if(sends_, [](Outgoing& out) { return all_done(out.requests); });
}

void MpiTransport::note_head(int source, Bytes bytes) {
    Head head{};
    std::memcpy(&head, bytes.data(), sizeof head);
    auto& arriving = arriving_[static_cast<std::size_t>(source)].emplace_back();
    ++receiving_;
    arriving.frame.kind = head.kind;
    arriving.frame.header.assign(bytes.begin() + sizeof head, bytes.end());
    arriving.payload_bytes = head.payload_bytes;
    arriving.posted = head.payload_bytes == 0;
}

void MpiTransport::post_receives() {
    // Payloads wait at their senders until there is room here: a sender may be far ahead of this rank.
    for (std::size_t i = 0; i < arriving_.size(); ++i) {
        auto const source = (next_source_ + i) % arriving_.size();
        for (auto& arriving : arriving_[source]) {
            if (arriving.posted) continue;
            if (posted_bytes_ > 0 && posted_bytes_ + arriving.payload_bytes > posted_most) return;
            std::shared_ptr<std::byte[]> const memory(
                new std::byte[arriving.payload_bytes]);  // not zeroed on purpose
            arriving.frame.payload = {memory, {memory.get(), arriving.payload_bytes}};
            arriving.posted = true;
            posted_bytes_ += arriving.payload_bytes;
            post_pieces(arriving.requests, arriving.payload_bytes,
                        [&](std::size_t at, int count, MPI_Request* request) {
                            check("MPI_Irecv",
                                  MPI_Irecv(memory.get() + at, count, MPI_BYTE, static_cast<int>(source),
                                            tag_payload, communicator_, request));
                        });
        }
    }
}

bool MpiTransport::probe() {
    // The first probe of Open MPI only makes progress; the second sees what that brought.
    for (int attempt = 0; attempt < 2; ++attempt) {
        int there = 0;
        MPI_Message message = MPI_MESSAGE_NULL;
        MPI_Status status;
        check("MPI_Improbe", MPI_Improbe(MPI_ANY_SOURCE, tag_head, communicator_, &there, &message, &status));
        if (there == 0) continue;
        int count = 0;
        check("MPI_Get_count", MPI_Get_count(&status, MPI_BYTE, &count));
        Bytes bytes(static_cast<std::size_t>(count));
        check("MPI_Mrecv", MPI_Mrecv(bytes.data(), count, MPI_BYTE, &message, MPI_STATUS_IGNORE));
        if (bytes.size() < sizeof(Head))
            throw EnvironmentError(
                "received a message that is too short; all ranks must run the same plenum");
        note_head(status.MPI_SOURCE, std::move(bytes));
        return true;
    }
    return false;
}

std::optional<comm::Incoming> MpiTransport::receive() {
    if (!loopback_.empty()) {
        comm::Incoming incoming{.source = rank_, .message = std::move(loopback_.front())};
        loopback_.pop_front();
        return incoming;
    }
    if (ranks_ == 1) return std::nullopt;
    test_sends();
    while (probe()) {
    }
    if (receiving_ == 0) return std::nullopt;
    post_receives();
    for (std::size_t i = 0; i < arriving_.size(); ++i) {
        auto const source = (next_source_ + i) % arriving_.size();
        auto& queue = arriving_[source];
        if (queue.empty() || !queue.front().posted || !all_done(queue.front().requests)) continue;
        auto frame = std::move(queue.front().frame);
        posted_bytes_ -= queue.front().payload_bytes;
        queue.pop_front();
        --receiving_;
        next_source_ = source + 1;
        return comm::Incoming{.source = static_cast<int>(source),
                              .message = wire::from_frame(std::move(frame))};
    }
    return std::nullopt;
}

std::vector<std::string> MpiTransport::exchange(std::string_view mine) {
    auto const n = static_cast<std::size_t>(ranks_);
    int const length = static_cast<int>(mine.size());
    std::vector<int> lengths(n), starts(n);
    check("MPI_Allgather", MPI_Allgather(&length, 1, MPI_INT, lengths.data(), 1, MPI_INT, communicator_));
    std::exclusive_scan(lengths.begin(), lengths.end(), starts.begin(), 0);
    std::string all(static_cast<std::size_t>(starts.back() + lengths.back()), '\0');
    check("MPI_Allgatherv", MPI_Allgatherv(mine.data(), length, MPI_CHAR, all.data(), lengths.data(),
                                           starts.data(), MPI_CHAR, communicator_));
    std::vector<std::string> texts(n);
    for (std::size_t i = 0; i < n; ++i)
        texts[i] = all.substr(static_cast<std::size_t>(starts[i]), static_cast<std::size_t>(lengths[i]));
    return texts;
}

void MpiTransport::barrier() {
    MPI_Request request = MPI_REQUEST_NULL;
    check("MPI_Ibarrier", MPI_Ibarrier(communicator_, &request));
    for (int done = 0; done == 0;) {
        check("MPI_Test", MPI_Test(&request, &done, MPI_STATUS_IGNORE));
        timespec const nap{0, 200'000};
        if (done == 0) ::nanosleep(&nap, nullptr);
    }
}

}  // namespace plenum::mpi
