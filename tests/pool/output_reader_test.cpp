// What tasks print: whole lines, with the tasks that printed them, however the bytes arrive.
#include "pool/output_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace plenum::pool {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct Emitted {
    std::uint64_t first, last;
    std::string text;
    friend bool operator==(Emitted const&, Emitted const&) = default;
    friend void PrintTo(Emitted const& emitted, std::ostream* out) {
        *out << emitted.first << " to " << emitted.last << " '" << emitted.text << "'";
    }
};

std::string mark(std::uint64_t first, std::uint64_t last) {
    OutputMark const mark{.first_task = first, .last_task = last};
    return {reinterpret_cast<char const*>(&mark), sizeof mark};
}

class Output : public testing::Test {
protected:
    std::vector<Emitted> emitted_;
    OutputReader reader_{[this](wire::TaskRange tasks, std::optional<std::uint32_t>, std::string text) {
        emitted_.push_back({tasks.first, tasks.last, std::move(text)});
    }};
};

TEST_F(Output, BelongsToTheTasksOfTheMarkBehindIt) {
    reader_.add("one\ntwo\n" + mark(4, 4) + "three\n" + mark(5, 9), 77);
    EXPECT_THAT(emitted_, ElementsAre(Emitted{4, 5, "one\ntwo\n"}, Emitted{5, 10, "three\n"}));
}

TEST_F(Output, OfATaskThatGoesOnAppearsLineByLine) {
    reader_.add("first\nsec", 12);
    EXPECT_THAT(emitted_, ElementsAre(Emitted{12, 13, "first\n"}));
    reader_.add("ond\n", 12);
    EXPECT_THAT(emitted_, ElementsAre(Emitted{12, 13, "first\n"}, Emitted{12, 13, "second\n"}));
    reader_.add(mark(12, 12), 13);
    EXPECT_EQ(emitted_.size(), 2u);
}

TEST_F(Output, WithoutANewlineIsCompletedByItsMark) {
    reader_.add("no newline", 3);
    EXPECT_THAT(emitted_, IsEmpty());
    reader_.add(mark(3, 3), 4);
    EXPECT_THAT(emitted_, ElementsAre(Emitted{3, 4, "no newline\n"}));
}

TEST_F(Output, LeftByACrashBelongsToTheTaskThatCrashed) {
    reader_.add("done\n" + mark(6, 6) + "half a li", 7);
    reader_.finish(7);
    EXPECT_THAT(emitted_, ElementsAre(Emitted{6, 7, "done\n"}, Emitted{7, 8, "half a li\n"}));
    reader_.finish(7);
    EXPECT_EQ(emitted_.size(), 2u);
    reader_.add("of the next executor\n" + mark(8, 8), 8);
    EXPECT_EQ(emitted_.back(), (Emitted{8, 9, "of the next executor\n"}));
}

TEST_F(Output, OfACrashWithinAMarkIsNotLost) {
    reader_.add("text\n" + mark(6, 6).substr(0, 9), 6);
    reader_.finish(6);
    std::string all;
    for (auto const& emitted : emitted_) all += emitted.text;
    EXPECT_THAT(all, testing::StartsWith("text\n"));
}

TEST_F(Output, IsTheSameWhereverTheBytesAreSplit) {
    auto const bytes = "alpha\n" + mark(1, 1) + "beta" + mark(2, 3) + "gamma\ndelta\n" + mark(4, 4);
    for (std::size_t split = 0; split <= bytes.size(); ++split)
        for (std::size_t second = split; second <= bytes.size(); ++second) {
            std::vector<std::pair<std::uint64_t, std::string>> lines;  // first task and text, line by line
            OutputReader reader(
                [&](wire::TaskRange tasks, std::optional<std::uint32_t>, std::string const& text) {
                    for (std::size_t at = 0; at < text.size();) {
                        auto const end = text.find('\n', at) + 1;
                        lines.emplace_back(tasks.first, text.substr(at, end - at));
                        at = end;
                    }
                });
            // The task that runs is told right, as by an executor that prints slowly.
            auto const running = [&](std::size_t at) -> std::uint64_t {
                return at <= 30 ? 1 : at <= 58 ? 2 : 4;
            };
            reader.add(bytes.substr(0, split), running(split));
            reader.add(bytes.substr(split, second - split), running(second));
            reader.add(bytes.substr(second), 4);
            ASSERT_EQ(lines.size(), 4u) << "split at " << split << " and " << second;
            ASSERT_THAT(lines, ElementsAre(testing::Pair(1, "alpha\n"), testing::Pair(2, "beta\n"),
                                           testing::Pair(4, "gamma\n"), testing::Pair(4, "delta\n")))
                << "split at " << split << " and " << second;
        }
}

TEST_F(Output, MayContainTheFirstByteOfAMark) {
    reader_.add("a \x1f b\nand so on for a while, longer than a mark\n", 5);
    reader_.add(mark(5, 5), 6);
    std::string all;
    for (auto const& emitted : emitted_) {
        all += emitted.text;
        EXPECT_EQ(emitted.first, 5u);
    }
    EXPECT_EQ(all, "a \x1f b\nand so on for a while, longer than a mark\n");
}

TEST_F(Output, OfMarksAloneIsNothing) {
    reader_.add(mark(1, 1) + mark(2, 2), 3);
    EXPECT_THAT(emitted_, IsEmpty());
}

}  // namespace
}  // namespace plenum::pool
