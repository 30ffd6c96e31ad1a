// A folder of kept results: found again by everybody, cleared away, reduced, in few files.
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <plenum/error.hpp>
#include <thread>

#include "base/crc32c.hpp"
#include "io/cache_test_tools.hpp"

namespace plenum::io {
namespace {

using testing::HasSubstr;

constexpr auto lock_uses = {CacheStore::Locks::automatic, CacheStore::Locks::never};

TEST(CacheStore, FindsWhatWasKeptHereAndInAnotherStoreAndLater) {
    for (auto const locks : lock_uses) {
        CacheFolder const folder;
        CacheStore writer(folder.path(), locks), reader(folder.path(), locks);
        for (std::uint64_t i = 0; i < 500; ++i) {
            ASSERT_EQ(reader.find(key_of(i)), std::nullopt);
            ASSERT_EQ(writer.keep(key_of(i), i % 3, value_of(i)), "");
            ASSERT_EQ(writer.find(key_of(i)), value_of(i));
            ASSERT_EQ(reader.find(key_of(i)), value_of(i));
        }
        CacheStore later(folder.path());
        for (std::uint64_t i = 0; i < 500; ++i) ASSERT_EQ(later.find(key_of(i)), value_of(i));
        EXPECT_EQ(later.find(key_of(500)), std::nullopt);
        EXPECT_LE(folder.files().size(), 2u);
    }
}

TEST(CacheStore, KeepsOneResultOfAKey) {
    CacheFolder const folder;
    CacheStore first(folder.path()), second(folder.path());
    EXPECT_EQ(first.keep(key_of(1), 0, value_of(10)), "");
    auto const size = std::filesystem::file_size(folder.shared_file());
    EXPECT_EQ(second.keep(key_of(1), 0, value_of(11)), "");
    EXPECT_EQ(std::filesystem::file_size(folder.shared_file()), size);
    EXPECT_EQ(second.find(key_of(1)), value_of(10));
}

TEST(CacheStore, KeepsALargeValue) {
    CacheFolder const folder;
    Bytes large(std::size_t{100} << 20);
    for (std::size_t i = 0; i < large.size(); i += 4096) large[i] = static_cast<std::byte>(i >> 12);
    CacheStore store(folder.path()), other(folder.path());
    EXPECT_EQ(store.keep(key_of(1), 0, large), "");
    EXPECT_EQ(store.keep(key_of(2), 0, value_of(2)), "");
    EXPECT_TRUE(other.find(key_of(1)) == large);
    EXPECT_EQ(other.find(key_of(2)), value_of(2));
}

TEST(CacheStore, ClearsEverythingForEverybodyWhoHasItOpen) {
    for (auto const locks : lock_uses) {
        CacheFolder const folder;
        CacheStore one(folder.path(), locks), other(folder.path(), locks);
        for (std::uint64_t i = 0; i < 50; ++i)
            ASSERT_EQ((i % 2 ? one : other).keep(key_of(i), 0, value_of(i)), "");
        ASSERT_NE(other.find(key_of(3)), std::nullopt);
        EXPECT_EQ(one.remove_all(), 50u);
        for (std::uint64_t i = 0; i < 50; ++i) {
            ASSERT_EQ(one.find(key_of(i)), std::nullopt);
            ASSERT_EQ(other.find(key_of(i)), std::nullopt);
        }
        EXPECT_EQ(other.keep(key_of(3), 0, value_of(4)), "");
        EXPECT_EQ(one.find(key_of(3)), value_of(4));
        EXPECT_EQ(one.remove_all(), 1u);
        EXPECT_EQ(one.remove_all(), 0u);
        EXPECT_LE(std::filesystem::file_size(folder.path() + "/" + folder.files().front()), 32u);
    }
}

TEST(CacheStore, ClearsTheResultsOfOneName) {
    CacheFolder const folder;
    CacheStore one(folder.path()), other(folder.path());
    for (std::uint64_t i = 0; i < 90; ++i) ASSERT_EQ(one.keep(key_of(i), i % 3, value_of(i)), "");
    ASSERT_NE(other.find(key_of(1)), std::nullopt);
    EXPECT_EQ(one.remove(1), 30u);
    EXPECT_EQ(one.remove(7), 0u);
    for (std::uint64_t i = 0; i < 90; ++i)
        ASSERT_EQ(other.find(key_of(i)), i % 3 == 1 ? std::nullopt : std::optional(value_of(i)));
}

TEST(CacheStore, ReducesToTheYoungestByItemsAndBytes) {
    CacheFolder const folder;
    CacheStore store(folder.path()), other(folder.path());
    for (std::uint64_t i = 0; i < 100; ++i) ASSERT_EQ(store.keep(key_of(i), 0, Bytes(1000)), "");
    ASSERT_NE(other.find(key_of(0)), std::nullopt);
    EXPECT_EQ(store.reduce({}), 0u);
    EXPECT_EQ(store.reduce({.items = 100}), 0u);
    EXPECT_EQ(store.reduce({.items = 60}), 40u);
    for (std::uint64_t i = 0; i < 100; ++i) ASSERT_EQ(other.find(key_of(i)).has_value(), i >= 40) << i;
    EXPECT_EQ(store.reduce({.bytes = 20'000, .items = 50}), 42u);  // 1072 bytes each
    EXPECT_LE(std::filesystem::file_size(folder.shared_file()), 20'000u);
    for (std::uint64_t i = 0; i < 100; ++i) ASSERT_EQ(other.find(key_of(i)).has_value(), i >= 82) << i;
    EXPECT_EQ(store.reduce({.items = 0}), 18u);
}

TEST(CacheStore, ReducesByAge) {
    CacheFolder const folder;
    CacheStore store(folder.path());
    EXPECT_EQ(store.keep(key_of(1), 0, value_of(1)), "");
    EXPECT_EQ(store.reduce({.age = std::chrono::hours(1)}), 0u);
    EXPECT_EQ(store.reduce({.age = std::chrono::seconds::max()}), 0u);
    std::this_thread::sleep_for(std::chrono::milliseconds(2100));
    EXPECT_EQ(store.keep(key_of(2), 0, value_of(2)), "");
    EXPECT_EQ(store.reduce({.age = std::chrono::seconds(2)}), 1u);
    EXPECT_EQ(store.find(key_of(2)), value_of(2));
}

TEST(CacheStore, JoinsTheFilesOfThoseWhoHadNoLocks) {
    CacheFolder const folder;
    CacheStore locks(folder.path());
    ASSERT_EQ(locks.keep(key_of(1000), 0, value_of(1000)), "");
    std::vector<std::unique_ptr<CacheStore>> stores;
    for (std::uint64_t i = 0; i < 8; ++i) {
        stores.push_back(std::make_unique<CacheStore>(folder.path(), CacheStore::Locks::never));
        ASSERT_EQ(stores.back()->keep(key_of(i), 0, value_of(i)), "");
    }
    EXPECT_EQ(folder.files().size(), 9u);
    for (std::uint64_t i = 0; i < 8; ++i) ASSERT_EQ(locks.find(key_of(i)), value_of(i));
    EXPECT_EQ(locks.reduce({.items = 9}), 0u);
    EXPECT_EQ(folder.files().size(), 1u);
    for (auto& store : stores) {
        for (std::uint64_t i = 0; i < 8; ++i) ASSERT_EQ(store->find(key_of(i)), value_of(i));
        ASSERT_EQ(store->find(key_of(1000)), value_of(1000));
    }
    ASSERT_EQ(stores[3]->keep(key_of(3000), 0, value_of(3000)), "");
    EXPECT_EQ(locks.find(key_of(3000)), value_of(3000));
}

TEST(CacheStore, SaysWhyItCannotKeepAndFindsOn) {
    CacheFolder const folder;
    CacheStore store(folder.path());
    ASSERT_EQ(store.keep(key_of(1), 0, value_of(1)), "");
    struct Limit {  // a full disk, as the file reaches its greatest size
        Limit() {
            ::signal(SIGXFSZ, SIG_IGN);
            ::getrlimit(RLIMIT_FSIZE, &before);
            rlimit const little{.rlim_cur = 5000, .rlim_max = before.rlim_max};
            ::setrlimit(RLIMIT_FSIZE, &little);
        }
        ~Limit() { ::setrlimit(RLIMIT_FSIZE, &before); }
        rlimit before{};
    };
    {
        Limit const limit;
        EXPECT_THAT(store.keep(key_of(2), 0, Bytes(10'000)), HasSubstr("File too large"));
        EXPECT_EQ(store.find(key_of(2)), std::nullopt);
        EXPECT_EQ(store.keep(key_of(3), 0, value_of(3)), "");
    }
    CacheStore later(folder.path());
    EXPECT_EQ(later.find(key_of(1)), value_of(1));
    EXPECT_EQ(later.find(key_of(2)), std::nullopt);
    EXPECT_EQ(later.find(key_of(3)), value_of(3));
    EXPECT_EQ(later.keep(key_of(2), 0, Bytes(10'000)), "");
    EXPECT_EQ(store.find(key_of(2)), Bytes(10'000));
}

TEST(CacheStore, IsNotDisturbedByFoldersAndPipesOfItsNames) {
    CacheFolder const folder;
    std::filesystem::create_directory(folder.path() + "/results-x.plenum-cache");
    ASSERT_EQ(::mkfifo((folder.path() + "/results-y.plenum-cache").c_str(), 0600), 0);
    CacheStore store(folder.path());
    EXPECT_EQ(store.keep(key_of(1), 0, value_of(1)), "");
    EXPECT_EQ(store.find(key_of(1)), value_of(1));
    std::filesystem::remove(folder.shared_file());
    std::filesystem::create_directory(folder.shared_file());
    EXPECT_EQ(store.find(key_of(1)), std::nullopt);
    EXPECT_THAT(store.keep(key_of(1), 0, value_of(1)), HasSubstr("directory"));
    EXPECT_THROW((void)store.remove_all(), EnvironmentError);
}

TEST(CacheStore, MakesTheFolderAgain) {
    CacheFolder const folder;
    CacheStore store(folder.path());
    ASSERT_EQ(store.keep(key_of(1), 0, value_of(1)), "");
    std::filesystem::remove_all(folder.path());
    EXPECT_EQ(store.find(key_of(1)), std::nullopt);
    EXPECT_EQ(store.keep(key_of(1), 0, value_of(1)), "");
    EXPECT_EQ(store.find(key_of(1)), value_of(1));
}

TEST(CacheStore, LeavesTheFileOfANewerVersionAlone) {
    CacheFolder const folder;
    auto head = make_head();
    head.version = 2;
    auto const bytes = [](auto const& field) { return std::as_bytes(std::span(&field, 1)); };
    head.check = base::crc32c(bytes(head.id), base::crc32c(bytes(head.version)));
    std::string content(reinterpret_cast<char const*>(&head), sizeof head);
    content += "records of another form";
    write_file(folder.shared_file(), content);
    CacheStore store(folder.path());
    EXPECT_EQ(store.find(key_of(1)), std::nullopt);
    EXPECT_THAT(store.keep(key_of(1), 0, value_of(1)), HasSubstr("newer version"));
    EXPECT_THROW((void)store.remove_all(), EnvironmentError);
    EXPECT_EQ(read_file(folder.shared_file()), content);
}

}  // namespace
}  // namespace plenum::io
