// Files that were cut or changed: never a wrong value, never a crash, and writers go on.
#include <random>

#include "io/cache_test_tools.hpp"

namespace plenum::io {
namespace {

constexpr std::uint64_t count = 12;

/// A whole file with values 0..count-1.
[[nodiscard]] std::string whole_file() {
    CacheFolder const folder;
    CacheStore store(folder.path());
    for (std::uint64_t i = 0; i < count; ++i) EXPECT_EQ(store.keep(key_of(i), 0, value_of(i)), "");
    return read_file(folder.shared_file());
}

/// How many of the values are there; all of them have to be right.
[[nodiscard]] std::uint64_t right_values(CacheStore& store) {
    std::uint64_t found = 0;
    for (std::uint64_t i = 0; i < count; ++i)
        if (auto const value = store.find(key_of(i))) {
            EXPECT_EQ(*value, value_of(i)) << "a wrong value of key " << i;
            ++found;
        }
    return found;
}

/// What a file with damage has to give: right values, and room for all that is missing.
void expect_to_recover(CacheFolder const& folder) {
    CacheStore reader(folder.path()), writer(folder.path());
    auto const before = right_values(reader);
    for (std::uint64_t i = count; i-- > 0;) ASSERT_EQ(writer.keep(key_of(i), 0, value_of(i)), "");
    EXPECT_GE(right_values(reader), before);
    // A reader may hold a place that was damaged behind its back; keeping once more finds it.
    CacheStore later(folder.path());
    EXPECT_EQ(right_values(later), count);
}

TEST(CacheDamage, ATornEndIsCutOffByTheNextWriterAtEveryByte) {
    auto const whole = whole_file();
    CacheFolder const folder;
    std::uint64_t most = 0;
    for (std::size_t size = 0; size <= whole.size(); ++size) {
        write_file(folder.shared_file(), whole.substr(0, size));
        CacheStore store(folder.path());
        auto const found = right_values(store);
        ASSERT_GE(found, most) << "a longer file gives fewer values";
        most = found;
        ASSERT_EQ(store.keep(key_of(99), 0, value_of(99)), "");
        CacheStore later(folder.path());
        ASSERT_EQ(later.find(key_of(99)), value_of(99)) << "cut at " << size;
        ASSERT_EQ(right_values(later), found);
    }
    EXPECT_EQ(most, count);
}

TEST(CacheDamage, AFlippedBitLosesOneRecordAtMost) {
    auto const whole = whole_file();
    CacheFolder const folder;
    for (std::size_t at = sizeof(CacheFileHead); at < whole.size(); ++at) {
        auto content = whole;
        content[at] = static_cast<char>(content[at] ^ (1 << (at % 8)));
        write_file(folder.shared_file(), content);
        CacheStore store(folder.path());
        ASSERT_GE(right_values(store), count - 1) << "bit " << at % 8 << " of byte " << at;
    }
}

TEST(CacheDamage, WithADamagedHeadNothingIsFoundAndTheFileIsMadeAnew) {
    auto const whole = whole_file();
    CacheFolder const folder;
    for (std::size_t at = 0; at < sizeof(CacheFileHead); ++at) {
        auto content = whole;
        content[at] = static_cast<char>(content[at] ^ 0x10);
        write_file(folder.shared_file(), content);
        CacheStore store(folder.path());
        ASSERT_EQ(right_values(store), 0u) << at;
        ASSERT_EQ(store.keep(key_of(3), 0, value_of(3)), "");
        ASSERT_EQ(right_values(store), 1u);
    }
}

TEST(CacheDamage, ARecordInsideAValueIsNoRecord) {
    CacheFolder const folder;
    auto const whole = whole_file();
    CacheStore store(folder.path());
    auto const inner = std::as_bytes(std::span(whole));
    ASSERT_EQ(store.keep(key_of(500), 0, Bytes(inner.begin(), inner.end())), "");
    ASSERT_EQ(store.keep(key_of(501), 0, value_of(501)), "");
    auto content = read_file(folder.shared_file());
    content[sizeof(CacheFileHead) + 5] ^= 1;  // so that the next record is searched for in the value
    write_file(folder.shared_file(), content);
    CacheStore later(folder.path());
    EXPECT_EQ(right_values(later), 0u);
    EXPECT_EQ(later.find(key_of(500)), std::nullopt);
    EXPECT_EQ(later.find(key_of(501)), value_of(501));
}

TEST(CacheDamage, AValueThatIsDamagedWhileOthersHaveTheFileOpenIsKeptAnew) {
    CacheFolder const folder;
    CacheStore one(folder.path()), other(folder.path());
    for (std::uint64_t i = 0; i < count; ++i) ASSERT_EQ(one.keep(key_of(i), 0, value_of(i)), "");
    ASSERT_EQ(right_values(other), count);
    auto const content = read_file(folder.shared_file());
    {
        std::fstream file(folder.shared_file(), std::ios::binary | std::ios::in | std::ios::out);
        file.seekp(static_cast<std::streamoff>(content.size()) - 10);
        file.put(static_cast<char>(content[content.size() - 10] ^ 4));
    }
    EXPECT_EQ(right_values(other), count - 1);
    ASSERT_EQ(other.keep(key_of(count - 1), 0, value_of(count - 1)), "");
    EXPECT_EQ(right_values(one), count);
    EXPECT_EQ(right_values(other), count);
}

TEST(CacheDamage, NoMutationGivesAWrongValueOrStopsAWriter) {
    auto const whole = whole_file();
    CacheFolder const folder;
    std::mt19937_64 random(20240607);
    auto const below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
    std::uint64_t found = 0;
    for (int mutation = 0; mutation < 4000; ++mutation) {
        auto content = whole;
        for (auto edits = 1 + below(4); edits-- > 0;) {
            auto const at = below(content.size());
            auto const length = 1 + below(std::min<std::size_t>(content.size() - at, 150));
            switch (below(7)) {
                case 0:
                    content[at] = static_cast<char>(random());
                    break;
                case 1:
                    content[at] = static_cast<char>(content[at] ^ (1 << below(8)));
                    break;
                case 2:
                    content.resize(at + 1);
                    break;
                case 3:
                    content.erase(at, length);
                    break;
                case 4:
                    content.insert(below(content.size()), content.substr(at, length));
                    break;
                case 5:
                    content.replace(at, length, length, '\0');
                    break;
                default:
                    for (std::size_t k = 0; k < length; ++k) content[at + k] = static_cast<char>(random());
            }
        }
        write_file(folder.shared_file(), content);
        CacheStore store(folder.path());
        found += right_values(store);
        if (mutation % 4 == 0) {
            ASSERT_NO_FATAL_FAILURE(expect_to_recover(folder));
        } else if (mutation % 20 == 1) {
            (void)store.reduce({.items = count});
            (void)right_values(store);
        }
    }
    EXPECT_GT(found, 4000u) << "the mutations leave nothing to look at";
}

}  // namespace
}  // namespace plenum::io
