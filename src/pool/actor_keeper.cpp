#include "pool/actor_keeper.hpp"

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <new>
#include <plenum/error.hpp>
#include <utility>

#include "base/clock.hpp"
#include "pool/child_end.hpp"

namespace plenum::pool {
namespace {

constexpr std::uint64_t credit_bytes = 64 << 10;  // credit for small calls of one caller is paid together

ActorHostNote* make_note() {
    auto* const memory =
        ::mmap(nullptr, sizeof(ActorHostNote), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        throw EnvironmentError(fmt::format("cannot map a page of memory ({})", std::strerror(errno)));
    return ::new (memory) ActorHostNote{};
}

}  // namespace

ActorKeeper::ActorKeeper(Options options) : options_(std::move(options)), note_(make_note()) {
    if (options_.isolation == Isolation::none) return;
    output_ = std::make_unique<CapturedOutput>(
        [this](wire::TaskRange who, bool error, std::string text) {
            options_.output({.rank = options_.rank,
                             .tasks = {},
                             .actor = who.first,
                             .error = error,
                             .text = std::move(text)});
        },
        note_->output_taken);
}

ActorKeeper::~ActorKeeper() {
    if (child_ > 0) {
        ::kill(child_, SIGKILL);
        ::waitpid(child_, nullptr, 0);
    }
    socket_ = {};  // the thread sees the end of its socket
    if (thread_.joinable()) thread_.join();
    ::munmap(note_, sizeof(ActorHostNote));
}

ActorHost::Place ActorKeeper::place() const {
    return {.rank = options_.rank,
            .host = options_.host,
            .note = note_,
            .pipes = output_ ? output_->write_ends() : OutputPipes{}};
}

void ActorKeeper::start() {
    auto [mine, theirs] = RecordSocket::make_pair();
    socket_ = RecordSocket(std::move(mine));
    note_->fault.store(FaultNote::none, std::memory_order_relaxed);
    runs_ = true;
    if (options_.isolation == Isolation::none) {
        thread_ = std::thread([end = std::move(theirs), place = place()]() mutable {
            ActorHost(std::move(end), std::move(place)).run();
        });
        return;
    }
    oom_kills_ = count_oom_kills();
    child_ = spawn_(theirs.get());
    child_fd_.reset(static_cast<int>(::syscall(SYS_pidfd_open, child_, 0)));
}

void ActorKeeper::create(wire::ActorRecord const& record) {
    auto const& head = record.head;
    newest_ = head.actor;
    auto& actor = actors_[head.actor];
    actor.type = wire::type_of(record);
    actor.restarts = head.amount;
    if (actor.restarts > 0) {  // it is nobody's call when it runs again
        auto again = head;
        again.call = 0;
        again.caller_channel = wire::no_channel;
        actor.create =
            wire::ActorRecord::of(again, Bytes(record.whole.bytes.begin(), record.whole.bytes.end()));
    }
    if (!runs_) start();
    forward(record);
    auto const early = early_.extract(head.actor);
    if (early)
        for (auto const& call : early.mapped()) take(call);
}

void ActorKeeper::take(wire::ActorRecord const& record) {
    auto const& head = record.head;
    if (head.verb == wire::ActorVerb::create) return create(record);
    // A task that has the reference may be faster here than the body's order to make the actor. Rank 0
    // numbers actors in the order in which it makes them.
    if (head.actor > newest_) return early_[head.actor].push_back(record);
    auto const found = actors_.find(head.actor);
    if (found != actors_.end() && found->second.gone.empty()) {
        forward(record);
    } else {
        if (found == actors_.end())
            fail(head, "ended", FailureCause::exception,
                 "its handle has been destroyed; keep the handle while calls are made");
        else
            fail(head, found->second.type, FailureCause::crash, found->second.gone);
        if (head.caller_channel != wire::no_channel) credit(head, head.bytes);
    }
    if (head.verb == wire::ActorVerb::end) actors_.erase(head.actor);
}

void ActorKeeper::forward(wire::ActorRecord const& record) {
    auto const& head = record.head;
    socket_.push(record.whole);
    if (head.call != 0) unanswered_.push_back(head);
    if (head.caller_channel == wire::no_channel) return;
    if (!owed_.empty() && owed_.back().bytes + head.bytes <= credit_bytes &&
        owed_.back().head.caller_rank == head.caller_rank &&
        owed_.back().head.caller_channel == head.caller_channel) {
        owed_.back().end = socket_.pushed();
        owed_.back().bytes += head.bytes;
    } else {
        owed_.push_back({.end = socket_.pushed(), .head = head, .bytes = head.bytes});
    }
}

void ActorKeeper::fail(wire::ActorHead const& head, std::string const& type, FailureCause cause,
                       std::string const& message) {
    if (head.call == 0) return;
    options_.send(wire::actor_failure(head, {.actor = head.actor,
                                             .type = type,
                                             .rank = options_.rank,
                                             .host = options_.host,
                                             .cause = cause,
                                             .message = message}));
}

void ActorKeeper::credit(wire::ActorHead const& head, std::uint64_t bytes) {
    options_.send(wire::ActorRecord::of({.verb = wire::ActorVerb::credit,
                                         .rank = options_.rank,
                                         .caller_rank = head.caller_rank,
                                         .caller_channel = head.caller_channel,
                                         .amount = bytes}));
}

void ActorKeeper::pay_credit(std::uint64_t sent) {
    while (!owed_.empty() && owed_.front().end <= sent) {
        credit(owed_.front().head, owed_.front().bytes);
        owed_.pop_front();
    }
}

void ActorKeeper::on_host_record(wire::ActorRecord const& record) {
    if (!wire::goes_to_actor(record.head.verb)) unanswered_.pop_front();
    options_.send(record);
}

void ActorKeeper::tick() {
    if (!runs_) return;
    // First the status, then what came before it: nothing that the host has sent is lost.
    int status = 0;
    bool const ended = child_ > 0 && ::waitpid(child_, &status, WNOHANG) == child_;
    bool const open = exchange();
    if (ended) return on_host_end(status);
    // A method may have closed the socket: the host is of no use then.
    if (!open && child_ > 0) ::kill(child_, SIGKILL);
}

bool ActorKeeper::exchange() {
    bool const sends = socket_.flush();
    pay_credit(socket_.sent());
    bool const receives =
        socket_.receive([this](wire::ActorRecord const& record) { on_host_record(record); });
    if (output_)
        output_->read([this] { return std::optional(note_->running.load(std::memory_order_acquire)); });
    return sends && receives;
}

void ActorKeeper::on_host_end(int status) {
    child_ = -1;
    child_fd_.reset();
    runs_ = false;
    socket_ = {};
    auto const running = note_->running.load(std::memory_order_acquire);
    output_->finish(running);
    auto const end = describe_end(status, note_->fault.load(std::memory_order_acquire),
                                  count_oom_kills() > oom_kills_, "a method");
    auto const culprit = actors_.find(running);
    auto const reason = [&](std::uint64_t actor) {
        if (actor == running || culprit == actors_.end()) return end.message;
        return fmt::format("the actors of its rank ended with actor {} ({}): {}", running,
                           culprit->second.type, end.message);
    };
    pay_credit(UINT64_MAX);
    for (auto const& head : std::exchange(unanswered_, {})) {
        auto const actor = actors_.find(head.actor);
        fail(head, actor == actors_.end() ? "ended" : actor->second.type, end.cause, reason(head.actor));
    }
    for (auto& [id, actor] : actors_) {
        if (!actor.gone.empty()) continue;
        if (actor.restarts == 0) {
            actor.gone = reason(id) + "; no restart is left (see ActorOptions::restart)";
            continue;
        }
        --actor.restarts;
        if (!runs_) start();
        forward(actor.create);
    }
}

void ActorKeeper::add_poll(std::vector<pollfd>& fds) const {
    if (!runs_) return;
    fds.push_back({.fd = socket_.fd(), .events = socket_.events(), .revents = 0});
    if (child_fd_) fds.push_back({.fd = child_fd_.get(), .events = POLLIN, .revents = 0});
    if (output_) output_->add_poll(fds);
}

void ActorKeeper::stop(int grace_ms) {
    if (!runs_) return;
    auto const start = base::now_ns();
    bool told = false;
    for (;;) {
        int status = 0;
        bool const ended = child_ > 0 && ::waitpid(child_, &status, WNOHANG) == child_;
        bool const open = exchange();
        if (ended || (child_ <= 0 && !open)) break;
        if (!told && !socket_.has_unsent()) {
            told = true;
            ::shutdown(socket_.fd(), SHUT_WR);
        }
        auto const spent_ms = static_cast<int>((base::now_ns() - start) / 1'000'000);
        if (spent_ms >= grace_ms) {
            note_->drop.store(true);
            if (child_ > 0) ::kill(child_, SIGKILL);
            if (child_ <= 0) break;  // a thread ends when its method does
        }
        std::vector<pollfd> fds;
        add_poll(fds);
        ::poll(fds.data(), fds.size(), std::clamp(grace_ms - spent_ms, 1, 100));
    }
    child_ = -1;
    child_fd_.reset();
    runs_ = false;
    if (output_) output_->finish(note_->running.load(std::memory_order_acquire));
    socket_ = {};
    if (thread_.joinable()) thread_.join();
}

}  // namespace plenum::pool
