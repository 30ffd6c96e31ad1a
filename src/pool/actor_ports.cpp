#include "pool/actor_ports.hpp"

#include <cxxabi.h>

#include <atomic>
#include <cstdlib>
#include <plenum/detail/actor_call.hpp>

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

void ActorAnswer::set(std::shared_ptr<void const> owner, ByteView result) {
    {
        std::lock_guard const lock(mutex_);
        owner_ = std::move(owner);
        result_ = result;
        ready_ = true;
    }
    arrived_.notify_all();
}

void ActorAnswer::fail(ActorError::Data error) {
    {
        std::lock_guard const lock(mutex_);
        error_ = std::move(error);
        ready_ = true;
    }
    arrived_.notify_all();
}

bool ActorAnswer::ready() const {
    std::lock_guard const lock(mutex_);
    return ready_;
}

bool ActorAnswer::wait_until(std::optional<Clock::time_point> deadline) const {
    std::unique_lock lock(mutex_);
    if (deadline) return arrived_.wait_until(lock, *deadline, [this] { return ready_; });
    arrived_.wait(lock, [this] { return ready_; });
    return true;
}

ByteView ActorAnswer::result() const {
    std::lock_guard const lock(mutex_);
    if (error_) throw ActorError(*error_);
    return result_;
}

std::string readable_type_name(char const* mangled) {
    int status = 0;
    std::unique_ptr<char, decltype(&std::free)> const name(
        abi::__cxa_demangle(mangled, nullptr, nullptr, &status), &std::free);
    return status == 0 ? name.get() : mangled;
}

}  // namespace detail
}  // namespace plenum
