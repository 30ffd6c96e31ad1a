#include "pool/actor_ports.hpp"

#include <cxxabi.h>

#include <atomic>
#include <cstdlib>
#include <memory>
#include <plenum/detail/actor_call.hpp>
#include <utility>

namespace plenum {
namespace {

thread_local detail::ActorPort* thread_port = nullptr;
std::atomic<detail::ActorPort*> process_port{nullptr};

}  // namespace

void pool::set_thread_actor_port(detail::ActorPort* port) noexcept {
    thread_port = port;
}

void pool::set_process_actor_port(detail::ActorPort* port) noexcept {
    process_port = port;
}

namespace detail {
namespace {

void check_received_by_itself() {
    if (!actor_port().receives_by_itself())
        throw UsageError(
            "a task cannot have callbacks, or wait for several calls to actors at once (nothing receives "
            "their "
            "results meanwhile); wait for one after the other with get()");
}

}  // namespace

ActorPort* find_actor_port() noexcept {
    return thread_port != nullptr ? thread_port : process_port.load();
}

ActorPort& actor_port() {
    auto* const port = find_actor_port();
    if (port == nullptr)
        throw UsageError(
            "there are no actors here; use them in the body of plenum::run, in tasks and in actors");
    return *port;
}

bool ActorAnswer::wait(Deadline deadline) const {
    if (phase() != Phase::pending) return true;
    return actor_port().wait(*this, deadline);
}

void ActorAnswer::then(std::function<void()> next) {
    check_received_by_itself();
    FutureState::then(std::move(next));
}

void ActorAnswer::watch(std::shared_ptr<Watch> const& by, std::size_t number) {
    check_received_by_itself();
    FutureState::watch(by, number);
}

void ActorAnswer::call_back(std::function<void()> work) {
    actor_port().call_back(std::move(work));
}

std::shared_ptr<FutureState> ActorAnswer::follow_up() const {
    return std::make_shared<FollowUp>(
        [](std::function<void()> work) { actor_port().call_back(std::move(work)); });
}

std::string readable_type_name(char const* mangled) {
    int status = 0;
    std::unique_ptr<char, decltype(&std::free)> const name(
        abi::__cxa_demangle(mangled, nullptr, nullptr, &status), &std::free);
    return status == 0 ? name.get() : mangled;
}

}  // namespace detail
}  // namespace plenum
