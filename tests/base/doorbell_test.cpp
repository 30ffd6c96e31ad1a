// Doorbells and futexes: who sleeps is woken, and nobody who wakes others ever waits.
#include "base/doorbell.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <memory>
#include <new>
#include <thread>
#include <type_traits>

#include "base/clock.hpp"
#include "base/futex.hpp"

namespace plenum::base {
namespace {

static_assert(std::is_trivially_copyable_v<DoorbellAddress>, "it lies in memory that processes share");

bool rings(Doorbell const& bell, int timeout_ms) {
    pollfd fd{.fd = bell.fd(), .events = POLLIN, .revents = 0};
    return ::poll(&fd, 1, timeout_ms) == 1;
}

TEST(Doorbell, IsQuietUntilSomebodyRings) {
    Doorbell bell;
    EXPECT_FALSE(rings(bell, 0));
    Ringer().ring(bell.address());
    EXPECT_TRUE(rings(bell, 10'000));
    bell.drain();
    EXPECT_FALSE(rings(bell, 0));
}

TEST(Doorbell, WakesWhoSleepsInPoll) {
    Doorbell bell;
    std::thread ringing([address = bell.address()] {
        ::usleep(20'000);
        Ringer().ring(address);
    });
    EXPECT_TRUE(rings(bell, 30'000));
    ringing.join();
}

TEST(Doorbell, NeverBlocksAndIsQuietAfterAnyNumberOfRings) {
    Doorbell bell;
    Ringer ringer;
    for (int i = 0; i < 100'000; ++i) ringer.ring(bell.address());  // far more than a socket's queue holds
    EXPECT_TRUE(rings(bell, 10'000));
    bell.drain();
    EXPECT_FALSE(rings(bell, 0));
    ringer.ring(bell.address());
    EXPECT_TRUE(rings(bell, 10'000));
}

TEST(Doorbell, RingsThroughAnAddressInSharedMemoryFromAnotherProcess) {
    auto* const shared = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(shared, MAP_FAILED);
    Doorbell bell;
    auto const address = bell.address();
    std::memcpy(shared, &address, sizeof address);
    auto const child = ::fork();
    if (child == 0) {
        DoorbellAddress read;
        std::memcpy(&read, shared, sizeof read);
        Ringer().ring(read);
        ::_exit(0);
    }
    EXPECT_TRUE(rings(bell, 30'000));
    ::waitpid(child, nullptr, 0);
    ::munmap(shared, 4096);
}

TEST(Doorbell, DropsRingsForNobody) {
    Ringer ringer;
    ringer.ring(DoorbellAddress{});
    auto gone = std::make_unique<Doorbell>();
    auto const address = gone->address();
    gone.reset();
    ringer.ring(address);
    Doorbell other;
    EXPECT_FALSE(rings(other, 0));
}

TEST(Doorbell, EachHasAnAddressOfItsOwn) {
    Doorbell first, second;
    Ringer().ring(first.address());
    EXPECT_TRUE(rings(first, 10'000));
    EXPECT_FALSE(rings(second, 0));
}

TEST(Futex, ReturnsAtOnceWhenTheWordHasChanged) {
    std::atomic<std::uint32_t> word{2};
    futex_wait(word, 1, 3'600'000'000'000u);  // an hour, were it to sleep
    EXPECT_EQ(word.load(), 2u);
}

TEST(Futex, GivesUpAfterItsTime) {
    std::atomic<std::uint32_t> word{1};
    auto const start = now_ns();
    futex_wait(word, 1, 2'000'000);
    EXPECT_GE(now_ns() - start, 1'000'000u);
}

TEST(Futex, WakesAnotherProcess) {
    auto* const memory = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(memory, MAP_FAILED);
    auto* const words = new (memory) std::atomic<std::uint32_t>[2] {};
    auto const child = ::fork();
    if (child == 0) {
        words[1] = 1;
        while (words[0].load() == 0) futex_wait(words[0], 0, 3'600'000'000'000u);
        ::_exit(5);
    }
    while (words[1].load() == 0) ::usleep(1000);
    ::usleep(20'000);  // most likely it sleeps by now
    words[0] = 1;
    futex_wake_all(words[0]);
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(WEXITSTATUS(status), 5);
    ::munmap(memory, 4096);
}

}  // namespace
}  // namespace plenum::base
