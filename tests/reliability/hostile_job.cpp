// A job of which every 20th task does its worst; the others square their number. bench/reliability/hostile.py
// knows what is to be recorded of each. The ways come in turn, in the order of `ways`.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <plenum/plenum.hpp>
#include <stdexcept>
#include <string_view>
#include <vector>

namespace {

using Array = plenum::SharedRef<std::uint64_t>;

struct NoStandardException {
    int number;
};

/// Needs a frame of its own for each level.
[[gnu::noinline]] int dig(int level, char volatile const* above) {
    char volatile frame[4096];
    frame[level % 4096] = above[0];
    if (level == 1 << 30) return 0;
    return dig(level + 1, frame) + frame[level % 4096];
}

/// Until there is no more; each page is touched.
void eat_memory() {
    std::vector<std::vector<char>> eaten;
    for (;;) eaten.emplace_back(1 << 20, 'x');
}

/// Children and grandchildren that eat memory; then it eats itself.
void breed() {
    for (int i = 0; i < 4; ++i) {
        auto const child = ::fork();
        if (child == 0) {
            if (i < 2) (void)::fork();
            try {
                eat_memory();
            } catch (...) {
            }
            ::_exit(0);
        }
        if (child > 0) ::waitpid(child, nullptr, 0);
    }
    eat_memory();
}

[[gnu::noinline]] void throw_logic_error() {
    throw std::logic_error("no way out");
}

void throw_out_of_noexcept() noexcept {
    throw_logic_error();
}

void ignore_signals() {
    sigset_t all;
    ::sigfillset(&all);
    ::sigprocmask(SIG_BLOCK, &all, nullptr);
    for (int signal = 1; signal < 32; ++signal) ::signal(signal, SIG_IGN);
}

/// Until the system refuses, or there are as many as a busy machine makes well within the task timeout.
void breed_sleepers() {
    for (int i = 0; i < 20; ++i) {
        auto const child = ::fork();
        if (child < 0) break;
        if (child == 0)
            for (;;) ::pause();
    }
    std::abort();
}

/// In a session of its own, where nobody looks for it; it ends by itself, but much later than the run.
void leave_a_process() {
    auto const child = ::fork();
    if (child != 0) {
        while (child > 0 && ::getsid(child) != child)
            ::usleep(1000);  // or it would still end with this process
        return;
    }
    ::setsid();
    ::alarm(600);
    ::pause();
    ::_exit(0);
}

void hang_in_the_group_of_its_rank() {
    ::setpgid(0, ::getpgid(::getppid()));
    ignore_signals();
    for (;;) ::pause();
}

void use_up_descriptors() {
    while (::open("/dev/null", O_RDONLY) >= 0) {
    }
}

struct Way {
    std::string_view name;
    void (*act)(Array const& array);
};

constexpr std::array ways{
    Way{"segfault",
        [](Array const&) {
            static int* volatile nowhere = nullptr;
            *nowhere = 1;
        }},
    Way{"abort", [](Array const&) { std::abort(); }},
    Way{"exit", [](Array const&) { std::exit(3); }},
    Way{"exit at once", [](Array const&) { ::_exit(0); }},
    Way{"throw std", [](Array const&) { throw std::runtime_error("thrown on purpose"); }},
    Way{"throw a number", [](Array const&) { throw 42; }},
    Way{"throw a struct", [](Array const&) { throw NoStandardException{7}; }},
    Way{"throw out of noexcept", [](Array const&) { throw_out_of_noexcept(); }},
    Way{"stack overflow",
        [](Array const&) {
            char const start = 'x';
            if (dig(0, &start) == 1) throw std::runtime_error("never");
        }},
    Way{"hang in a loop",
        [](Array const&) {
            ignore_signals();
            for (std::uint64_t volatile i = 0; i < UINT64_MAX;) {
            }
        }},
    Way{"hang asleep",
        [](Array const&) {
            ignore_signals();
            for (;;) ::pause();
        }},
    Way{"stop itself", [](Array const&) { ::raise(SIGSTOP); }},
    Way{"eat memory", [](Array const&) { eat_memory(); }},
    Way{"breed and eat memory", [](Array const&) { breed(); }},
    Way{"kill itself", [](Array const&) { ::kill(::getpid(), SIGKILL); }},
    Way{"write into the shared array",
        [](Array const& array) { const_cast<std::uint64_t volatile*>(array.data())[1] = 1; }},
    Way{"breed sleepers", [](Array const&) { breed_sleepers(); }},
    Way{"hang in another group", [](Array const&) { hang_in_the_group_of_its_rank(); }},
    // The others do no harm to themselves: they succeed, and what follows in this executor has to as well.
    Way{"close all descriptors", [](Array const&) { ::close_range(0, ~0U, 0); }},
    Way{"use up all descriptors", [](Array const&) { use_up_descriptors(); }},
    Way{"leave a process", [](Array const&) { leave_a_process(); }},
};

void misbehave(std::uint64_t task, Array const& array) {
    if (task % 20 == 7) ways[task / 20 % ways.size()].act(array);
    if (array[1] != 4711) throw std::runtime_error("the shared array has changed");
}

int run_hostile(plenum::JobContext& job) {
    auto const array = job.pool().share(std::vector<std::uint64_t>(100'000, 4711));
    auto const tasks = plenum::indices(job.option<std::uint64_t>("tasks"));
    job.results().map(
        "fixed",
        [array = array.ref()](std::uint64_t task) {
            misbehave(task, array);
            return task * task;
        },
        tasks);
    job.results().map(
        "ragged",
        [array = array.ref()](std::uint64_t task) {
            misbehave(task, array);
            return std::vector<std::uint64_t>(task % 4, task);
        },
        tasks);
    std::string names;
    for (auto const& way : ways) names += std::string(way.name) + ",";
    job.say("ways: " + names);
    return 0;
}

[[maybe_unused]] auto const registered = plenum::add_job(
    {.name = "hostile",
     .summary = "tasks that do their worst",
     .options = {{.name = "tasks", .placeholder = "N", .default_value = "10000", .help = "of each map"}},
     .run = run_hostile});

}  // namespace
