// Everything that a long program does again and again, in a loop: no process of the run grows.
// PLENUM_TEST_SECONDS: how long.
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <plenum/memory.hpp>
#include <plenum/pool.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "pool_test.hpp"
#include "process_use.hpp"

namespace plenum::api_test {
namespace {

class Sum {
public:
    void add(std::vector<int> const& values) {
        for (auto const value : values) sum_ += value;
    }
    [[nodiscard]] int sum() const {
        if (sum_ < 0) throw std::runtime_error("never so");
        return sum_;
    }

private:
    int sum_ = 0;
};

void use_everything(int round) {
    auto const array = pool().share(std::vector<int>(20'000, round));
    auto const read = [array = array.ref()](std::uint64_t i) { return array[i] + static_cast<int>(i); };
    ASSERT_EQ(pool().map(read, plenum::indices(1'000))[999], round + 999);
    auto const ragged = pool().map([](std::uint64_t i) { return std::string(i, 'x'); }, plenum::indices(200));
    ASSERT_EQ(ragged[150].size(), 150u);

    auto state = pool().worker_state([] { return std::vector<int>(10'000, 1); });
    auto const sized = state.with([](std::vector<int>& v, std::uint64_t i) { return v.size() + i; });
    ASSERT_EQ(pool().map(sized, plenum::indices(20))[19], 10'019u);
    (void)state.finish();

    std::vector<Actor<Sum>> actors;
    for (int k = 0; k < 4; ++k) actors.push_back(pool().actor<Sum>());
    for (auto const& actor : actors) actor.tell<&Sum::add>(std::vector<int>(1'000, 2));
    for (auto const& actor : actors) ASSERT_EQ(actor.call<&Sum::sum>().get(), 2'000);

    ASSERT_EQ(pool().map_reduce([](std::uint64_t i) { return i; }, plenum::indices(10'000), std::uint64_t{0},
                                std::plus<>()),
              std::uint64_t{10'000} * 9'999 / 2);
    std::uint64_t seen = 0;
    for (auto const& text :
         pool().imap([](std::uint64_t i) { return std::to_string(i); }, plenum::indices(5'000))) {
        ASSERT_EQ(text, std::to_string(seen));
        if (++seen == 500) break;
    }
    std::vector<Future<std::string>> futures;
    for (int i = 0; i < 100; ++i)
        futures.push_back(
            pool().submit([](int n) { return n * n; }, i).then([](int n) { return std::to_string(n); }));
    futures[50].cancel();
    for (auto const& future : futures) future.wait();
    ASSERT_EQ(futures[9].get(), "81");

    auto const odd = [](std::uint64_t i) { return i % 2 == 0 ? i : throw std::invalid_argument("odd"); };
    MapOptions const collect{.on_failure = OnFailure::collect};
    ASSERT_EQ(pool().map(odd, plenum::indices(50), collect).failures().size(), 25u);
    if (round % 10 == 0 && tasks_are_isolated()) {
        auto const crash = [](std::uint64_t i) { return i != 7 ? i : (std::abort(), i); };
        ASSERT_EQ(pool().map(crash, plenum::indices(20), collect).failures().size(), 1u);
    }
    (void)pool().map_async(read, plenum::indices(100));  // forgotten
}

/// Of a process and of the rank that is its parent.
struct Use {
    std::uint64_t bytes = 0;
    std::int64_t files = 0;
};

/// The largest of rank 0, of all other ranks and of all executors.
Use most_used() {
    Use most{.bytes = resident_bytes(), .files = open_descriptors()};
    auto const here = [](WorkerContext const&) {
        auto const rank = "/proc/" + std::to_string(tasks_are_isolated() ? ::getppid() : ::getpid());
        std::ifstream file(rank + "/statm");
        std::uint64_t size = 0, resident = 0, shared = 0;
        file >> size >> resident >> shared;
        auto const bytes = (resident - shared) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
        auto const files = std::distance(std::filesystem::directory_iterator(rank + "/fd"), {});
        return Use{.bytes = std::max(bytes, resident_bytes()), .files = std::max(files, open_descriptors())};
    };
    for (auto const& use : pool().on_each(here)) {
        most.bytes = std::max(most.bytes, use.bytes);
        most.files = std::max(most.files, use.files);
    }
    return most;
}

TEST(Growth, NothingGrowsInALongLoop) {
    using Clock = std::chrono::steady_clock;
    auto const* const asked = std::getenv("PLENUM_TEST_SECONDS");
    std::chrono::duration<double> const length(asked != nullptr ? std::atof(asked) : 1.5);
    int round = 0;
    auto const loop = [&](std::chrono::duration<double> seconds, int rounds) {
        for (auto const begin = Clock::now(); rounds-- > 0 || Clock::now() - begin < seconds;) {
            use_everything(round++);
            if (testing::Test::HasFatalFailure()) return;
        }
    };
    loop(length / 3, 20);
    auto const before = most_used();
    loop(length * 2 / 3, 20);
    auto const after = most_used();
    RecordProperty("rounds", round);
    EXPECT_LT(after.bytes, before.bytes + (std::uint64_t{16} << 20)) << "after " << round << " rounds";
    EXPECT_LE(after.files, before.files + 2) << "after " << round << " rounds";
}

}  // namespace
}  // namespace plenum::api_test
