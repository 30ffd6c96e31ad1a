// Many processes on one folder at once: all values right, few files, also when some are killed or clear it.
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <iostream>

#include "io/cache_test_tools.hpp"

namespace plenum::io {
namespace {

constexpr std::uint64_t keys = 400;

[[nodiscard]] pid_t start(std::function<bool()> const& work) {
    auto const child = ::fork();
    if (child == 0) {
        ::alarm(120);
        ::_exit(work() ? 0 : 1);
    }
    return child;
}

[[nodiscard]] int status_of(pid_t child) {
    int status = 0;
    ::waitpid(child, &status, 0);
    return status;
}

/// Finds or keeps every key, in an order of its own. False when a value is wrong or cannot be kept.
[[nodiscard]] bool use_all(CacheStore& store, std::uint64_t writer) {
    for (std::uint64_t k = 0; k < keys; ++k) {
        auto const i = (k * 7 + writer * 53) % keys;
        std::size_t const most = i % 50 == 0 ? 200'000 : 300;
        if (auto const value = store.find(key_of(i))) {
            if (*value == value_of(i, most)) continue;
            std::cerr << "a wrong value of key " << i << '\n';
            return false;
        }
        if (auto const problem = store.keep(key_of(i), 0, value_of(i, most)); !problem.empty()) {
            std::cerr << problem << '\n';
            return false;
        }
    }
    return true;
}

TEST(CacheProcesses, EightWritersAtOnceKeepEveryValueOnceInOneFile) {
    CacheFolder const folder;
    CacheStore before_fork(folder.path());  // its descriptors must not be shared with the children
    ASSERT_EQ(before_fork.keep(key_of(0), 0, value_of(0, 200'000)), "");
    std::vector<pid_t> children;
    for (std::uint64_t writer = 0; writer < 8; ++writer)
        children.push_back(start([&] { return use_all(before_fork, writer); }));
    for (auto const child : children) EXPECT_EQ(status_of(child), 0);
    EXPECT_EQ(folder.files().size(), 1u);
    CacheStore later(folder.path());
    std::uint64_t size = sizeof(CacheFileHead);
    for (std::uint64_t i = 0; i < keys; ++i) {
        auto const value = value_of(i, i % 50 == 0 ? 200'000 : 300);
        ASSERT_EQ(later.find(key_of(i)), value) << i;
        size += CacheRecord{.magic = 0,
                            .check = 0,
                            .value_check = 0,
                            .reserved = 0,
                            .bytes = value.size(),
                            .written_ns = 0,
                            .name = 0,
                            .key = {}}
                    .total();
    }
    EXPECT_EQ(std::filesystem::file_size(folder.shared_file()), size) << "some value is there twice";
}

TEST(CacheProcesses, EightWritersWithoutLocksHaveAFileEach) {
    CacheFolder const folder;
    std::vector<pid_t> children;
    for (std::uint64_t writer = 0; writer < 8; ++writer)
        children.push_back(start([&] {
            CacheStore store(folder.path(), CacheStore::Locks::never);
            return use_all(store, writer);
        }));
    for (auto const child : children) EXPECT_EQ(status_of(child), 0);
    EXPECT_LE(folder.files().size(), 8u);
    CacheStore later(folder.path());
    EXPECT_TRUE(use_all(later, 0));
}

TEST(CacheProcesses, WritersThatAreKilledCostNothingButTheirLastValue) {
    CacheFolder const folder;
    for (int round = 0; round < 40; ++round) {
        std::vector<pid_t> children;
        for (std::uint64_t writer = 0; writer < 3; ++writer)
            children.push_back(start([&] {
                CacheStore store(folder.path());
                for (std::uint64_t i = 0;; ++i)
                    if (!store
                             .keep(key_of(static_cast<std::uint64_t>(round) * 1'000'000 + i), 0,
                                   Bytes(20'000, static_cast<std::byte>(i)))
                             .empty())
                        return false;
            }));
        ::usleep(static_cast<useconds_t>(1000 + round * 150));
        for (auto const child : children) ::kill(child, SIGKILL);
        for (auto const child : children) EXPECT_EQ(status_of(child), SIGKILL);
        CacheStore store(folder.path());
        bool ended = false;
        for (std::uint64_t i = 0; i < 10'000 && !ended; ++i) {
            auto const value = store.find(key_of(static_cast<std::uint64_t>(round) * 1'000'000 + i));
            ended = !value;
            if (value) {
                ASSERT_EQ(*value, Bytes(20'000, static_cast<std::byte>(i)));
            }
        }
        ASSERT_EQ(store.keep(key_of(999), 0, value_of(999)), "");
        ASSERT_EQ(store.find(key_of(999)), value_of(999));
        (void)store.remove_all();
    }
}

TEST(CacheProcesses, ClearingAndReducingWhileOthersWriteGivesNoWrongValue) {
    for (auto const locks : {CacheStore::Locks::automatic, CacheStore::Locks::never}) {
        CacheFolder const folder;
        std::vector<pid_t> children;
        for (std::uint64_t writer = 0; writer < 4; ++writer)
            children.push_back(start([&] {
                CacheStore store(folder.path(), locks);
                for (int round = 0; round < 5; ++round)
                    if (!use_all(store, writer)) return false;
                return true;
            }));
        children.push_back(start([&] {
            CacheStore store(folder.path(), locks);
            for (int round = 0; round < 60; ++round) {
                if (round % 3 == 0)
                    store.remove_all();
                else
                    store.reduce({.items = 100});
                ::usleep(2000);
            }
            return true;
        }));
        for (auto const child : children) EXPECT_EQ(status_of(child), 0);
        CacheStore later(folder.path());
        EXPECT_TRUE(use_all(later, 0));
        later.reduce({});
        EXPECT_EQ(folder.files().size(), 1u);
    }
}

}  // namespace
}  // namespace plenum::io
