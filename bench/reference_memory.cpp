// Plain loops over memory: claiming, reading, copying, and the serial convolution.
#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <new>
#include <stdexcept>
#include <vector>

#include "reference.hpp"
#include "work.hpp"

namespace bench {
namespace {

/// Memory of one kind that nobody has touched.
class Memory {
public:
    Memory(std::uint64_t bytes, Pages pages) : bytes_(bytes) {
        auto const sharing = pages == Pages::shared ? MAP_SHARED : MAP_PRIVATE;
        data_ = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, sharing | MAP_ANONYMOUS, -1, 0);
        if (data_ == MAP_FAILED) throw std::bad_alloc();
        if (pages == Pages::small) ::madvise(data_, bytes, MADV_NOHUGEPAGE);
        if (pages == Pages::huge) ::madvise(data_, bytes, MADV_HUGEPAGE);
    }
    Memory(Memory const&) = delete;
    Memory& operator=(Memory const&) = delete;
    ~Memory() { ::munmap(data_, bytes_); }

    [[nodiscard]] std::span<std::uint64_t> words() const {
        return {static_cast<std::uint64_t*>(data_), bytes_ / sizeof(std::uint64_t)};
    }

private:
    std::uint64_t bytes_;
    void* data_;
};

constexpr int processes = 2;

/// What the processes of a run share, each on a cache line of its own.
struct Common {
    alignas(64) std::atomic<std::uint64_t> next;
    alignas(64) std::atomic<int> ready;
    alignas(64) std::atomic<bool> go;
    alignas(64) std::uint64_t sums[processes];
};

/// As mpirun does: each process on a core of its own, where there are as many.
void pin(int process) {
    cpu_set_t allowed, chosen;
    CPU_ZERO(&allowed);
    CPU_ZERO(&chosen);
    if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0 || CPU_COUNT(&allowed) < processes) return;
    int core = -1;
    for (int passed = -1; passed < process;) passed += CPU_ISSET(++core, &allowed) ? 1 : 0;
    CPU_SET(core, &chosen);
    (void)::sched_setaffinity(0, sizeof chosen, &chosen);
}

/// Forks the processes, lets each prepare, starts all at once and returns the seconds until the last has
/// ended its work. `work` is called twice by each process: first to prepare.
double run_processes(Common& common, std::function<void(int process, bool prepare)> const& work) {
    for (int process = 0; process < processes; ++process) {
        auto const child = ::fork();
        if (child < 0) throw std::runtime_error("cannot fork");
        if (child == 0) {
            pin(process);
            work(process, true);
            ++common.ready;
            while (!common.go) {
            }
            work(process, false);
            --common.ready;
            ::_exit(0);
        }
    }
    while (common.ready != processes) ::usleep(1000);
    auto const start = now_ns();
    common.go = true;
    while (common.ready != 0) ::usleep(50);
    auto const seconds = seconds_since(start);
    for (int process = 0; process < processes; ++process) {
        int status = 0;
        if (::wait(&status) < 0 || status != 0) throw std::runtime_error("a process of the reference failed");
    }
    return seconds;
}

}  // namespace

void claim_squares(std::uint64_t tasks, std::uint64_t block) {
    Memory const results(tasks * sizeof(std::uint64_t), Pages::shared);
    Memory const shared(sizeof(Common), Pages::shared);
    auto& common = *::new (shared.words().data()) Common{};
    auto* const out = results.words().data();
    auto const seconds = run_processes(common, [&](int, bool prepare) {
        if (prepare) return;
        for (;;) {
            auto const first = common.next.fetch_add(block, std::memory_order_relaxed);
            if (first >= tasks) return;
            auto const last = std::min(first + block, tasks);
            for (auto i = first; i < last; ++i) out[i] = square(i);
        }
    });
    report(seconds, checksum(results.words()));
}

void read_private(std::uint64_t bytes, std::uint64_t passes, Pages pages) {
    Memory const shared(sizeof(Common), Pages::shared);
    auto& common = *::new (shared.words().data()) Common{};
    std::vector<std::uint64_t> plain;
    Memory const mapped(bytes, pages);
    // Not touched before the fork, so each process gets pages of its own.
    auto words = mapped.words();
    auto const seconds = run_processes(common, [&](int process, bool prepare) {
        if (prepare && pages == Pages::plain) {
            plain.resize(words.size());
            words = plain;
        }
        if (prepare) {
            fill_record(0, words);
            common.sums[process] = sum(words);  // warm, like the other side
            return;
        }
        std::uint64_t total = 0;
        for (std::uint64_t pass = 0; pass < passes; ++pass) {
            total += sum(words);
            asm volatile("" ::: "memory");  // every pass reads
        }
        common.sums[process] = total;
    });
    report(seconds, common.sums[0] + common.sums[1]);
}

void copy(std::uint64_t bytes, Pages pages) {
    std::vector<std::uint64_t> from(bytes / sizeof(std::uint64_t));
    fill_record(0, from);
    if (pages == Pages::plain) throw std::invalid_argument("a plain vector is not fresh memory");
    Memory const to(bytes, pages);
    auto const start = now_ns();
    std::memcpy(to.words().data(), from.data(), bytes);
    auto const seconds = seconds_since(start);
    report(seconds, checksum(to.words()));
}

void convolve_serially(std::uint64_t side, std::uint64_t filters) {
    Convolution const what(side, filters);
    // Aligned as node memory is: the kernel's wide loads are slower across cache lines.
    constexpr std::size_t line = 64 / sizeof(float);
    std::vector<float> memory(what.layout.size() + line);
    auto const misfit = reinterpret_cast<std::uintptr_t>(memory.data()) / sizeof(float) % line;
    std::span<float> const strided(memory.data() + (line - misfit) % line, what.layout.size());
    what.fill_image(strided);
    auto const taps = what.bank();
    std::vector<std::uint64_t> sums(filters);
    for (std::uint64_t filter = 0; filter < std::min<std::uint64_t>(filters, 2); ++filter)
        sums[filter] = convolve_checksum(strided, what.layout, taps, filter);
    auto const start = now_ns();
    for (std::uint64_t filter = 0; filter < filters; ++filter)
        sums[filter] = convolve_checksum(strided, what.layout, taps, filter);
    auto const seconds = seconds_since(start);
    report(seconds, checksum(sums));
}

}  // namespace bench
