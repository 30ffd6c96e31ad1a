#include <unistd.h>

#include <array>
#include <cstdlib>
#include <deque>
#include <utility>

#include "comm/session.hpp"
#include "comm/shared_mapping.hpp"

namespace plenum::comm {
namespace {

class SoloTransport : public Transport {
public:
    int rank() const noexcept override { return 0; }
    int ranks() const noexcept override { return 1; }
    void send(int, wire::Message message) override { queue_.push_back(std::move(message)); }
    std::optional<Incoming> receive() override {
        if (queue_.empty()) return std::nullopt;
        Incoming incoming{.source = 0, .message = std::move(queue_.front())};
        queue_.pop_front();
        return incoming;
    }
    bool ready() const noexcept override { return !queue_.empty(); }
    bool busy() const noexcept override { return !queue_.empty(); }
    std::vector<std::string> exchange(std::string_view mine) override { return {std::string(mine)}; }
    void barrier() override {}

private:
    std::deque<wire::Message> queue_;
};

class SoloSession : public Session {
public:
    SoloSession() {
        std::array<char, 256> host{};
        ::gethostname(host.data(), host.size() - 1);
        topology_.hosts = {host.data()};
    }
    Topology const& topology() const noexcept override { return topology_; }
    Transport& transport() noexcept override { return transport_; }
    std::string mpi_version() const override { return "none"; }
    std::string backing_directory() const override { return {}; }
    NodeMemory reserve_node_memory(std::size_t bytes) override {
        memory_ = SharedMapping(bytes);
        return {memory_.base(), memory_.bytes()};
    }
    void close(std::function<void()> const& last) override {
        if (last) last();
    }
    [[noreturn]] void abort(int code) noexcept override { ::_exit(code); }

private:
    Topology topology_;
    SoloTransport transport_;
    SharedMapping memory_;
};

}  // namespace

std::unique_ptr<Session> make_solo_session() {
    return std::make_unique<SoloSession>();
}

}  // namespace plenum::comm
