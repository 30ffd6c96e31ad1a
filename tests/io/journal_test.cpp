// Journals: what is committed comes back, and no damage is ever taken for a record.
#include "io/journal.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <plenum/error.hpp>
#include <random>

#include "io/journal_reader.hpp"
#include "io/recorded_run.hpp"
#include "io/temporary_folder.hpp"

namespace plenum::io {
namespace {

using ::plenum::test::content_of;
using ::plenum::test::message_of;
using ::plenum::test::TemporaryFolder;
using ::plenum::test::write_file;

std::span<std::byte const> bytes_of(std::string const& text) {
    return std::as_bytes(std::span(text));
}

/// The payloads of the records that count, or why the file is refused.
std::string reading_of(std::string const& path) {
    try {
        JournalReader reader(path);
        std::string text;
        for (auto const& record : reader.records()) {
            auto const payload = reader.payload(record);
            text.append(reinterpret_cast<char const*>(payload.data()), payload.size());
            text += '|';
        }
        return text;
    } catch (EnvironmentError const& error) {
        return std::string("refused: ") + error.what();
    }
}

class JournalFile : public ::testing::Test {
protected:
    TemporaryFolder folder_;
    std::string path_ = folder_.file("out.h5.journal");
};

TEST_F(JournalFile, GivesBackWholeGroupsOnly) {
    Journal journal(path_);
    EXPECT_EQ(reading_of(path_), "");
    journal.append(RecordKind::failure, {bytes_of("a"), bytes_of("bc")});
    journal.append(RecordKind::failure, {});
    journal.commit();
    journal.append(RecordKind::failure, {bytes_of("not committed")});
    EXPECT_TRUE(journal.has_open_group());
    std::string back(1, ' ');
    journal.read(journal.append(RecordKind::failure, {bytes_of("xyz")}) + 1,
                 std::as_writable_bytes(std::span(back)));
    EXPECT_EQ(back, "y") << "what has been appended can be read before it is committed";
    EXPECT_EQ(reading_of(path_), "abc||");
    journal.commit();
    EXPECT_EQ(reading_of(path_), "abc||not committed|xyz|");
}

TEST_F(JournalFile, HoldsPayloadsLargerThanItsBuffers) {
    std::string const large(5'000'000, 'L');
    Journal journal(path_);
    journal.append(RecordKind::ragged, {bytes_of("<"), bytes_of(large), bytes_of(">")});
    journal.commit();
    EXPECT_EQ(reading_of(path_), "<" + large + ">|");
}

TEST_F(JournalFile, GoesOnBehindTheLastGroup) {
    std::uint64_t id = 0;
    {
        Journal journal(path_);
        id = journal.id();
        journal.append(RecordKind::failure, {bytes_of("one")});
        journal.commit();
        journal.append(RecordKind::failure, {bytes_of("lost")});
        std::byte byte{};
        journal.read(journal.bytes() - 1, std::span(&byte, 1));  // it is in the file, without its commit
    }
    auto const end = JournalReader(path_).end();
    EXPECT_EQ(end.id, id);
    Journal journal(path_, end);
    journal.append(RecordKind::failure, {bytes_of("two")});
    journal.commit();
    EXPECT_EQ(reading_of(path_), "one|two|");
    EXPECT_THROW(Journal{path_}, EnvironmentError) << "an existing journal was overwritten";
}

/// A small journal of three groups, and what it reads as after each.
std::vector<std::pair<std::uint64_t, std::string>> write_groups(std::string const& path) {
    Journal journal(path);
    std::vector<std::pair<std::uint64_t, std::string>> ends{{0, ""}};
    for (auto const* const text : {"first", "second", "third"}) {
        journal.append(RecordKind::failure, {bytes_of(text)});
        journal.append(RecordKind::timing, {bytes_of("+")});
        journal.commit();
        ends.emplace_back(journal.bytes(), ends.back().second + text + "|+|");
    }
    return ends;
}

TEST_F(JournalFile, CutAtAnyByteItHoldsTheGroupsBeforeThat) {
    auto const ends = write_groups(path_);
    auto const whole = content_of(path_);
    for (std::size_t size = 0; size <= whole.size(); ++size) {
        write_file(path_, whole.substr(0, size));
        std::string expected;
        for (auto const& [end, text] : ends)
            if (end <= size) expected = text;
        ASSERT_EQ(reading_of(path_), expected) << "cut at " << size;
    }
}

TEST_F(JournalFile, AnyFlippedBitIsHarmlessOrNoticed) {
    auto const ends = write_groups(path_);
    auto const whole = content_of(path_);
    int noticed = 0, harmless = 0;
    for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
        auto changed = whole;
        changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
        write_file(path_, changed);
        auto const text = reading_of(path_);
        bool const is_beginning =
            std::ranges::any_of(ends, [&](auto const& end) { return end.second == text; });
        ASSERT_TRUE(is_beginning || text.starts_with("refused")) << "bit " << bit << ": " << text;
        // A loss in front of the last group must not go unnoticed: results would be computed twice.
        if (bit / 8 < ends[2].first) {
            ASSERT_TRUE(text.starts_with("refused")) << "bit " << bit << ": " << text;
        }
        ++(is_beginning ? harmless : noticed);
    }
    EXPECT_GT(noticed, 0);
    EXPECT_GT(harmless, 0);
}

TEST_F(JournalFile, BytesOfAnyKindAreRefusedOrEmpty) {
    std::mt19937_64 random(1);
    auto const whole = [&] {
        write_groups(path_);
        return content_of(path_);
    }();
    for (int round = 0; round < 3000; ++round) {
        auto bytes = whole;
        auto const changes = 1 + random() % 8;
        for (std::uint64_t i = 0; i < changes; ++i) {
            auto const at = random() % bytes.size();
            auto const count = std::min<std::size_t>(1 + random() % 40, bytes.size() - at);
            switch (random() % 3) {
                case 0:
                    for (std::size_t k = 0; k < count; ++k) bytes[at + k] = static_cast<char>(random());
                    break;
                case 1:
                    bytes.insert(at, bytes.substr(random() % bytes.size(), count));
                    break;
                default:
                    if (bytes.size() > count + 1) bytes.erase(at, count);
            }
        }
        write_file(path_, bytes);
        auto const text = reading_of(path_);
        ASSERT_TRUE(text.empty() || text == "first|+|" || text == "first|+|second|+|" ||
                    text == "first|+|second|+|third|+|" || text.starts_with("refused"))
            << text;
    }
}

TEST_F(JournalFile, ANewerVersionIsRefusedByItsNumber) {
    write_groups(path_);
    auto bytes = content_of(path_);
    JournalHeader header;
    std::memcpy(&header, bytes.data(), sizeof header);
    header.version = journal_version + 7;
    header.crc = crc_of(header);
    std::memcpy(bytes.data(), &header, sizeof header);
    write_file(path_, bytes);
    auto const message = message_of<EnvironmentError>([&] { JournalReader{path_}; });
    EXPECT_NE(message.find("version " + std::to_string(journal_version + 7)), std::string::npos) << message;
    EXPECT_NE(message.find("--restart"), std::string::npos) << message;
}

TEST_F(JournalFile, RecordsOfAnotherJournalDoNotCount) {
    write_groups(path_);
    auto const other = folder_.file("other.journal");
    write_groups(other);
    write_file(path_, content_of(path_).substr(0, sizeof(JournalHeader)) +
                          content_of(other).substr(sizeof(JournalHeader)));
    EXPECT_EQ(reading_of(path_), "");
}

TEST_F(JournalFile, TheRunOptionsOfTheLastProcessCount) {
    Journal journal(path_);
    auto const begin = [&](std::vector<RecordedOption> const& options) {
        journal.append(RecordKind::run, {encode(RunRecord{.host = "h"}).view()});
        journal.append(RecordKind::options, {encode(options).view()});
        journal.commit();
    };
    std::vector<RecordedOption> const first{{"retries", "2"}, {"compress", "gzip:3"}},
        second{{"retries", ""}};
    begin(first);
    EXPECT_EQ(read_journal(path_)->options, first);
    begin(second);
    EXPECT_EQ(read_journal(path_)->options, second);
    // As an earlier Plenum wrote it: without options.
    journal.append(RecordKind::run, {encode(RunRecord{.host = "h"}).view()});
    journal.commit();
    EXPECT_EQ(read_journal(path_)->options, second);
    EXPECT_EQ(read_journal(path_)->runs.size(), 3u);
}

TEST_F(JournalFile, RecordsThatContradictEachOtherAreRefused) {
    auto const refused = [&](auto&& fill) {
        std::filesystem::remove(path_);
        Journal journal(path_);
        journal.append(RecordKind::map,
                       {encode(MapRecord{.spec = {.name = "m", .tasks = 10}, .result_bytes = 8}).view()});
        fill(journal);
        journal.commit();
        EXPECT_THROW((void)read_journal(path_), EnvironmentError);
    };
    auto const results = [](Journal& journal, ResultsRecord const& record) {
        journal.append(RecordKind::results, {encode(record).view()});
    };
    refused([&](Journal& j) { results(j, {.map = 1, .segments = {{0, 1, 0}}}); });
    refused([&](Journal& j) { results(j, {.map = 0, .segments = {{9, 2, 0}}}); });
    refused([&](Journal& j) { results(j, {.map = 0, .segments = {{5, ~0ull, 0}}}); });
    refused([&](Journal& j) { results(j, {.map = 0, .segments = {{1, 2, 0}, {2, 1, 0}}}); });
    refused([&](Journal& j) { j.append(RecordKind::results, {bytes_of("short")}); });
    refused([&](Journal& j) {
        j.append(RecordKind::ragged, {encode(RaggedHead{.map = 0, .first = 0, .count = 1}).view()});
    });
    refused([&](Journal& j) { j.append(static_cast<RecordKind>(99), {}); });
    refused([&](Journal& j) {
        j.append(RecordKind::options, {FieldWriter().number<std::uint64_t>(~0ull >> 5).view()});
    });
    refused([&](Journal& j) {
        FieldWriter undo;
        undo.number<std::uint64_t>(4).number<std::uint64_t>(~0ull >> 5);
        j.append(RecordKind::undo, {undo.view()});
    });
}

}  // namespace
}  // namespace plenum::io
