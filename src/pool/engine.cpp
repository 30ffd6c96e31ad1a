#include "pool/engine.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstring>
#include <exception>
#include <plenum/error.hpp>
#include <thread>

#include "base/clock.hpp"
#include "base/futex.hpp"
#include "base/launcher.hpp"
#include "base/memory_limits.hpp"
#include "base/units.hpp"
#include "pool/agreed_error.hpp"
#include "pool/node_base.hpp"

namespace plenum::pool {
namespace {

constexpr auto page = base::page_most;

// How long a rank sleeps at most. Whoever has something for it on its own node rings its doorbell; only
// leaders have to look for messages, those from other nodes.
constexpr int nap_leader_ms = 1;        // a leader among several nodes, when something has just happened
constexpr int nap_quiet_leader_ms = 4;  // the same, nothing for a while: long tasks, or no work
constexpr int nap_ms = 100;             // all others
constexpr int nap_rank_zero_ms = 50;    // rank 0 draws progress while there is something to draw
constexpr std::uint64_t quiet_after_ns = 50'000'000;
constexpr std::uint64_t large_segment = 64 << 20;  // from here on freed pages go back to the system
constexpr std::uint64_t idle_call_ns = 50'000'000;
// After a signal other ranks wait that long for rank 0 to end the run, so that it can clean up.
// Less than the second after which mpirun kills those that it has told to end.
constexpr std::uint64_t interrupt_grace_ns = 900'000'000;
constexpr std::uint64_t last_words_ns = 200'000'000;
constexpr auto incomplete = static_cast<int>(ExitCode::incomplete);

std::uint64_t number(std::string const& text) {
    std::uint64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

wire::CacheTally tally_of(detail::CacheUse const& use) {
    return {.hits = use.hits.load(), .misses = use.misses.load(), .unkept = use.unkept.load()};
}

}  // namespace

Engine::Engine(comm::Session& session, EngineOptions options)
    : session_(session), options_(options), own_cache_use_before_(tally_of(detail::own_cache_use())) {
    auto const& topology = session_.topology();
    reserve_memory();
    if (topology.leads()) {
        int most_ranks = 0;
        for (int n = 0; n < topology.nodes; ++n) most_ranks = std::max(most_ranks, topology.ranks_on(n));
        node_.format(topology.node_ranks * options_.executors, most_ranks * options_.executors,
                     base::now_ns());
        auto& header = node_.header();
        header.leader_bell = bell_.address();
        header.number = topology.node;
        header.first_executor = 0;
        for (int n = 0; n < topology.node; ++n)
            header.first_executor += topology.ranks_on(n) * options_.executors;
        auto const& host = topology.hosts[static_cast<std::size_t>(topology.rank)];
        host.copy(header.host.data(), header.host.size() - 1);  // fresh memory is zero: the end is there
    }
    // A task that dumps core would dump all shared arrays, and the node would wait for the disk.
    ::madvise(node_.base(), node_.bytes(), MADV_DONTDUMP);
    session_.transport().barrier();  // the header is there
    set_node_base(node_.base());
    node_.header().processors.add_own();
    actors_ = std::make_unique<ActorExchange>(
        topology, ActorExchange::Options{
                      .isolation = options_.isolation,
                      .send = [this](int rank, wire::Message message) { send(rank, std::move(message)); },
                      .ring = [this] { ringer_.ring(bell_.address()); }});
    // The fork server has to come before threads and before MPI moves data.
    supervisor_ = std::make_unique<Supervisor>(
        node_, first_cell(topology.node_rank),
        Supervisor::Options{.isolation = options_.isolation,
                            .executors = options_.executors,
                            .threads = options_.threads,
                            .task_memory = options_.limits.task_memory,
                            .rank = topology.rank,
                            .bell = bell_.address(),
                            .output = [this](wire::Output output) { send(0, std::move(output)); },
                            .actors = actors_.get(),
                            .run_file = options_.run_file,
                            .launcher_mark = options_.launcher_mark});
    actors_->keeper().start_hosts_with([this](int socket) { return supervisor_->start_actor_host(socket); });
    session_.transport().barrier();  // all bells are known
    auto const& header = node_.header();
    start_ns_ = header.run_start_ns;
    if (topology.leads()) {
        auto const split = header.scratch_begin + uncommitted_limit(node_.bytes()) / page * page;
        transient_ =
            std::make_unique<SegmentPool>(node_, header.scratch_begin, split, large_segment, bell_.address());
        kept_ =
            std::make_unique<SegmentPool>(node_, split, header.scratch_end, large_segment, bell_.address());
        leader_ = std::make_unique<Leader>(
            node_,
            Leader::Place{.node = topology.node, .nodes = topology.nodes, .is_rank_zero = topology.rank == 0},
            *transient_, [this](wire::Message message) { send(0, std::move(message)); });
    }
    if (topology.rank == 0)
        host_ = std::make_unique<Host>(
            node_, topology,
            Host::Options{.schedule = options_.schedule,
                          .chunk_size = options_.chunk_size,
                          .executors_per_rank = options_.executors,
                          .tasks_per_executor = options_.tasks_per_executor,
                          .limits = options_.limits},
            [this](int rank, wire::Message message) { send(rank, std::move(message)); }, bell_.address());
}

Engine::~Engine() = default;

void Engine::reserve_memory() {
    auto const& topology = session_.topology();
    auto const limits = base::read_memory_limits(session_.backing_directory());
    auto const asked = options_.node_memory;
    // Two halves of address space, one for arrays and one for the rest; pages count only when they are
    // touched. But the directory behind a shared window must have room for all of it when it is made.
    std::string verdict;
    if (topology.leads()) {
        auto const most = limits.backing_free / 10 * 9;
        auto const bytes = asked != 0 ? std::min(2 * asked, most) : std::min(limits.least(), most);
        if (asked > limits.least() || bytes < asked)
            verdict = fmt::format("!--node-memory {} is more than node {} has ({}); ask for less",
                                  base::format_bytes(asked),
                                  topology.hosts[static_cast<std::size_t>(topology.rank)], limits.describe());
        else
            verdict = std::to_string(bytes);
    }
    auto const all = session_.transport().exchange(verdict);
    auto bytes = UINT64_MAX;  // the smallest node decides: offsets are the same everywhere
    for (auto const& text : all) {
        if (text.starts_with('!')) throw AgreedError(text.substr(1));
        if (!text.empty()) bytes = std::min(bytes, number(text));
    }
    node_ = NodeView(session_.reserve_node_memory(bytes / page * page));
}

void Engine::send(int rank, wire::Message message) {
    if (rank == 0) last_word_ns_ = base::now_ns();
    session_.transport().send(rank, std::move(message));
    auto const& topology = session_.topology();
    auto const to = static_cast<std::size_t>(rank);
    if (rank == topology.rank || topology.node_of[to] != topology.node) return;
    if (rank == topology.leader()) return ringer_.ring(node_.header().leader_bell);
    int node_rank = 0;
    for (std::size_t r = 0; r < to; ++r) node_rank += topology.node_of[r] == topology.node ? 1 : 0;
    ringer_.ring(node_.cell(first_cell(node_rank)).parent_bell);
}

void Engine::wait() {
    auto const& topology = session_.topology();
    auto const now = base::now_ns();
    int timeout = host_ && host_->active() ? nap_rank_zero_ms : nap_ms;
    if (leader_ && topology.nodes > 1)
        timeout = now - last_event_ns_ < quiet_after_ns ? nap_leader_ms : nap_quiet_leader_ms;
    else if (leader_ && leader_->busy())
        timeout = nap_rank_zero_ms;  // results of long tasks are sent on before their block ends
    fds_.assign(1, {.fd = bell_.fd(), .events = POLLIN, .revents = 0});
    if (!launcher_gone_) fds_.push_back({.fd = launcher_.get(), .events = POLLIN, .revents = 0});
    if (!stopping_) {  // afterwards nobody looks at them, and ends that hang up would wake every poll
        timeout = std::min(timeout, supervisor_->patience_ms());
        supervisor_->add_poll(fds_);
        actors_->add_poll(fds_);
    }
    auto const& transport = session_.transport();
    if (transport.ready()) timeout = 0;
    if (transport.busy() && !transport.ready()) {  // a transfer is under way and needs progress
        timespec const short_nap{0, 20'000};
        ::ppoll(fds_.data(), fds_.size(), &short_nap, nullptr);
    } else {
        ::poll(fds_.data(), fds_.size(), timeout);
    }
    if (bell_.drain()) last_event_ns_ = base::now_ns();
}

int Engine::serve(std::function<int()> const& body, std::function<int(int)> const& conclude) {
    conclude_ = conclude;
    // The end of this rank is ordered from the signal on, also when a second one ends it on the spot.
    interrupts_.emplace(&node_.cell(first_cell(session_.topology().node_rank)).rank_leaves);
    if (!options_.launcher_mark.empty())
        launcher_ = base::watch_launcher_of(::getpid(), options_.launcher_mark).ended;
    std::thread thread;
    std::atomic<bool> body_ended{false};
    bool const rank_zero = session_.topology().rank == 0;
    if (rank_zero)
        thread = std::thread([&] {
            // A launcher binds each rank to a core, where this rank's executor works: the body may use any.
            node_.header().processors.apply_to_thread();
            body_code_ = body();
            body_ended = true;
            ringer_.ring(bell_.address());
        });
    try {
        run_loop(thread, body_ended);
    } catch (std::exception const& error) {
        // The body's thread may be anywhere and the other ranks do not know: nothing is destroyed, all are
        // ended.
        supervisor_->expect_end();
        if (fatal_handler_) fatal_handler_(error);
        throw;
    }
    return *exit_code_;
}

void Engine::run_loop(std::thread& thread, std::atomic<bool> const& body_ended) {
    bool told = false;
    while (!exit_code_) {
        wait();
        check_interrupt();
        check_drain();
        while (auto incoming = session_.transport().receive()) {
            last_event_ns_ = base::now_ns();
            if (watch_) watch_->heard(incoming->source, last_event_ns_);
            relay(incoming->message);
            dispatch(std::move(*incoming));
        }
        if (exit_code_) break;
        watch_nodes();
        if (!stopping_) supervisor_->tick();
        if (!stopping_) actors_->tick();
        if (leader_ && !stopping_) leader_->tick();
        if (host_) host_->tick();
        auto const now = base::now_ns();
        if (idle_handler_ && now - last_idle_call_ns_ > idle_call_ns) {
            last_idle_call_ns_ = now;
            idle_handler_();
        }
        if (host_ && !told && body_ended && !host_->active()) {
            told = true;
            thread.join();
            actors_->tick();  // what the body told last is on its way before the end is
            for (int const leader : session_.topology().leaders) send(leader, wire::Stop{});
        }
    }
    while (session_.transport().busy()) (void)session_.transport().receive();
}

void Engine::check_interrupt() {
    bool const abandoned =
        launcher_is_gone();  // asked in any case: its end wakes every poll until it is known
    auto const own = interrupts_->signal() != 0 ? interrupts_->signal() : abandoned ? SIGTERM : 0;
    auto const signal = own != 0 ? own : reported_signal_;
    if (signal != 0) supervisor_->expect_end();
    if (session_.topology().rank == 0) {
        if (signal == 0 && !host_->overdue()) return;
        if (!interrupt_handler_ || interrupt_handler_(signal)) end_at_once(incomplete);
        return;
    }
    if (signal == 0) return;
    auto const now = base::now_ns();
    if (interrupted_ns_ == 0) {
        interrupted_ns_ = now;
        send(0, wire::SignalNote{signal});
    }
    if (now - interrupted_ns_ > interrupt_grace_ns) end_at_once(incomplete);
}

bool Engine::launcher_is_gone() {
    pollfd end{.fd = launcher_.get(), .events = POLLIN, .revents = 0};
    if (!launcher_gone_ && launcher_) launcher_gone_ = ::poll(&end, 1, 0) > 0;
    return launcher_gone_;
}

void Engine::check_drain() {
    if (drain_told_ || !base::drain_requested()) return;
    drain_told_ = true;
    if (host_)
        host_->stop(StopReason::signal);
    else
        send(0, wire::SignalNote{SIGUSR1});
}

void Engine::watch_nodes() {
    auto const& topology = session_.topology();
    if (!leader_ || topology.nodes == 1) return;
    auto const limit_ns = static_cast<std::uint64_t>(options_.limits.node_silence * 1e9);
    auto const now = base::now_ns();
    if (topology.rank != 0) {
        if (now - last_word_ns_ > NodeWatch::pulse_ns(limit_ns)) send(0, wire::Pulse{});
        return;
    }
    if (!watch_) watch_.emplace(topology, limit_ns, now);
    for (auto const& line : watch_->look(now))
        if (notice_handler_) notice_handler_(line);
}

void Engine::end_at_once(int code) {
    supervisor_->expect_end();
    auto const& topology = session_.topology();
    if (topology.rank == 0) {
        wire::Message const goodbye = wire::Goodbye{.exit_code = code, .at_once = true};
        for (int const leader : topology.leaders)
            if (leader != 0) send(leader, goodbye);
        relay(goodbye);
    }
    auto const start = base::now_ns();
    while (session_.transport().busy() && base::now_ns() - start < last_words_ns)
        (void)session_.transport().receive();
    supervisor_->abandon();
    // The body may be anywhere: nothing is destroyed under its feet.
    ::_exit(code);
}

void Engine::relay(wire::Message const& message) {
    if (!leader_) return;
    auto const* const step = std::get_if<wire::ArrayStep>(&message);
    if (!std::holds_alternative<wire::Stop>(message) && !std::holds_alternative<wire::Goodbye>(message) &&
        (step == nullptr || step->step != wire::ArrayStep::Step::populate))
        return;
    auto const& topology = session_.topology();
    for (int rank = 0; rank < topology.ranks; ++rank)
        if (rank != topology.rank && topology.node_of[static_cast<std::size_t>(rank)] == topology.node)
            send(rank, message);
}

void Engine::leave() {
    stopping_ = true;
    supervisor_->expect_end();
    auto& header = node_.header();
    header.stop.store(1, std::memory_order_release);
    header.work.fetch_add(1, std::memory_order_release);
    base::futex_wake_all(header.work);
    actors_->stop(2000);  // first: the supervisor's end is that of all children
    supervisor_->stop(2000);
    auto const& topology = session_.topology();
    std::uint64_t tasks = 0, busy = 0, first_start = 0, last_end = 0;
    auto cache = tally_of(detail::own_cache_use());
    cache -= own_cache_use_before_;
    for (int i = 0; i < options_.executors; ++i) {
        auto const& cell = node_.cell(first_cell(topology.node_rank) + i);
        tasks += cell.tasks_done.load();
        busy += cell.busy_ns.load();
        if (auto const start = cell.first_start_ns.load(); start != 0)
            first_start = first_start == 0 ? start : std::min(first_start, start);
        last_end = std::max(last_end, cell.last_end_ns.load());
        cache += tally_of(cell.cache_use);
    }
    auto const seconds = [&](std::uint64_t ns) {
        return ns == 0 ? 0.0 : static_cast<double>(ns - header.run_start_ns) * 1e-9;
    };
    send(0, wire::Farewell{.rank = topology.rank,
                           .tasks = tasks,
                           .busy_seconds = static_cast<double>(busy) * 1e-9,
                           .first_start = seconds(first_start),
                           .last_end = seconds(last_end),
                           .cache = cache});
}

void Engine::dispatch(comm::Incoming incoming) {
    std::visit(
        [this]<class M>(M&& message) {
            using Type = std::decay_t<M>;
            if constexpr (std::is_same_v<Type, wire::OpenBatch>) {
                leader_->open(std::forward<M>(message));
            } else if constexpr (std::is_same_v<Type, wire::CloseBatch>) {
                leader_->close(message);
            } else if constexpr (std::is_same_v<Type, wire::CancelBatch>) {
                leader_->cancel(message);
            } else if constexpr (std::is_same_v<Type, wire::Abandon>) {
                leader_->abandon();
            } else if constexpr (std::is_same_v<Type, wire::SignalNote>) {
                if (message.signal == SIGUSR1)
                    host_->stop(StopReason::signal);
                else
                    reported_signal_ = message.signal;
            } else if constexpr (std::is_same_v<Type, wire::AssignBlock>) {
                leader_->assign(std::forward<M>(message));
            } else if constexpr (std::is_same_v<Type, wire::RequestBlock> ||
                                 std::is_same_v<Type, wire::BlockResults> ||
                                 std::is_same_v<Type, wire::ArrayVerdict> ||
                                 std::is_same_v<Type, wire::ExitResult>) {
                host_->on(std::forward<M>(message));
            } else if constexpr (std::is_same_v<Type, wire::ArrayStep> ||
                                 std::is_same_v<Type, wire::ArrayPiece>) {
                on(std::forward<M>(message));
            } else if constexpr (std::is_same_v<Type, wire::ActorMail>) {
                if (!stopping_) actors_->on(message);
            } else if constexpr (std::is_same_v<Type, wire::Output>) {
                if (output_handler_) output_handler_(message);
            } else if constexpr (std::is_same_v<Type, wire::Pulse>) {
                // It has been heard.
            } else if constexpr (std::is_same_v<Type, wire::Stop>) {
                leave();
            } else if constexpr (std::is_same_v<Type, wire::Farewell>) {
                reports_.push_back({message.rank, message.tasks, message.busy_seconds, message.first_start,
                                    message.last_end, message.cache});
                if (reports_.size() < static_cast<std::size_t>(session_.topology().ranks)) return;
                std::sort(reports_.begin(), reports_.end(),
                          [](auto const& a, auto const& b) { return a.rank < b.rank; });
                auto const code = conclude_(body_code_);
                for (int const leader : session_.topology().leaders)
                    send(leader, wire::Goodbye{.exit_code = code});
            } else {
                static_assert(std::is_same_v<Type, wire::Goodbye>);
                if (message.at_once) end_at_once(message.exit_code);
                exit_code_ = message.exit_code;
            }
        },
        std::move(incoming.message));
}

// ---- shared arrays on this rank ----

void Engine::require_memory(std::uint64_t bytes, std::string const& what) const {
    if (bytes < large_segment) return;
    auto const limits = base::read_memory_limits(session_.backing_directory());
    if (bytes > limits.least())
        throw EnvironmentError(
            fmt::format("{} need {}, more than this node can give ({}); write them to the result "
                        "file, or use a node with more memory",
                        what, base::format_bytes(bytes), limits.describe()));
}

std::string Engine::check_array(wire::ArrayStep const& step) const {
    auto const limits = base::read_memory_limits(session_.backing_directory());
    if (step.bytes <= limits.least()) return {};
    return fmt::format(
        "a shared array of {} does not fit into the memory of node {} ({}); use smaller arrays or another "
        "node",
        base::format_bytes(step.bytes),
        session_.topology().hosts[static_cast<std::size_t>(session_.topology().rank)], limits.describe());
}

std::string Engine::populate_array(wire::ArrayStep const& step) const {
    auto const& topology = session_.topology();
    if (step.elsewhere && topology.node == topology.node_of[0]) return {};
    auto const ranks = static_cast<std::uint64_t>(topology.node_ranks);
    auto const mine = static_cast<std::uint64_t>(topology.node_rank);
    auto const pages = (step.bytes + page - 1) / page;
    auto const first = pages * mine / ranks, last = pages * (mine + 1) / ranks;
    if (first == last) return {};
    auto const error = base::populate(node_.base() + step.offset + first * page, (last - first) * page);
    if (error == 0) return {};
    return no_memory_for_array(topology.hosts[static_cast<std::size_t>(topology.rank)], step.bytes, error);
}

void Engine::on(wire::ArrayStep const& step) {
    using Step = wire::ArrayStep::Step;
    if (step.step == Step::free) {
        ::madvise(node_.base() + step.offset, (step.bytes + page - 1) / page * page, MADV_REMOVE);
        return;
    }
    send(0,
         wire::ArrayVerdict{.id = step.id,
                            .rank = session_.topology().rank,
                            .problem = step.step == Step::check ? check_array(step) : populate_array(step)});
}

void Engine::on(wire::ArrayPiece piece) {
    auto const bytes = piece.payload.bytes;
    std::memcpy(node_.base() + piece.offset, bytes.data(), bytes.size());
    // Sent on from where it lies now, so that no second copy waits for the children.
    piece.payload = {nullptr, {node_.base() + piece.offset, bytes.size()}};
    auto const& topology = session_.topology();
    for (int const child : tree_children(topology.node, topology.nodes))
        send(topology.leaders[static_cast<std::size_t>(child)], piece);
    if (piece.last) send(0, wire::ArrayVerdict{.id = piece.id, .rank = topology.rank, .problem = {}});
}

}  // namespace plenum::pool
