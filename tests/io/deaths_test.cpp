// Deaths beside a result file: they come back as they were noted, and no damage makes another one of them.
#include "io/deaths.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "io/temporary_folder.hpp"

namespace plenum::io {
namespace {

using ::plenum::test::content_of;
using ::plenum::test::TemporaryFolder;
using ::plenum::test::write_file;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::IsEmpty;

class Deaths : public ::testing::Test {
protected:
    static Death death(std::uint64_t task, std::uint64_t run = 7) {
        return {.run = run,
                .map = 2,
                .task = task,
                .rank = 3,
                .process = 4711,
                .unix_ns = 1'700'000'000'000'000'000,
                .host = "node" + std::to_string(task)};
    }
    std::vector<Death> const all_{death(1), death(1ull << 60), death(3)};
    TemporaryFolder folder_;
    std::string path_ = deaths_path_of(folder_.file("out.h5"));
};

TEST_F(Deaths, ComeBackAsTheyWereNoted) {
    EXPECT_THAT(read_deaths(path_, 7), IsEmpty());
    append_deaths(path_, {});
    EXPECT_FALSE(std::filesystem::exists(path_));
    append_deaths(path_, all_);
    append_deaths(path_, std::vector{death(4), death(5, 8)});
    EXPECT_THAT(read_deaths(path_, 7), ElementsAre(all_[0], all_[1], all_[2], death(4)));
    EXPECT_THAT(read_deaths(path_, 8), ElementsAre(death(5, 8)));
    EXPECT_THAT(read_deaths(path_, 9), IsEmpty());
}

TEST_F(Deaths, AWriteThatWasCutCostsThatEntryOnly) {
    append_deaths(path_, all_);
    auto const whole = content_of(path_);
    for (std::size_t size = 0; size < whole.size(); ++size) {
        write_file(path_, whole.substr(0, size));
        append_deaths(path_, std::vector{death(9)});
        std::vector<Death> expected(all_.begin(), all_.begin() + static_cast<long>(size * 3 / whole.size()));
        expected.push_back(death(9));
        ASSERT_THAT(read_deaths(path_, 7), ElementsAreArray(expected)) << "cut at " << size;
    }
}

TEST_F(Deaths, NoDamageMakesAnotherOne) {
    append_deaths(path_, all_);
    auto const whole = content_of(path_);
    std::mt19937_64 random(1);
    for (int round = 0; round < 3000; ++round) {
        auto bytes = whole;
        for (auto changes = 1 + random() % 6; changes > 0; --changes)
            bytes[random() % bytes.size()] ^= static_cast<char>(1 + random() % 255);
        if (random() % 3 == 0) bytes.erase(random() % bytes.size(), random() % 200);
        write_file(path_, bytes);
        for (auto const& found : read_deaths(path_, 7))
            ASSERT_TRUE(std::ranges::count(all_, found) == 1) << describe(found);
    }
}

TEST_F(Deaths, RunsAreToldApartByWhatTheyComputeNotByTheirBuild) {
    RunIdentity const one{.job = "j", .options = {{"size", "3", true}}, .seed = 1, .build = "b"};
    auto other = one;
    other.build = "c";
    other.command_line = "plenum resume";
    EXPECT_EQ(run_key(one), run_key(other));
    other.seed = 2;
    EXPECT_NE(run_key(one), run_key(other));
    EXPECT_NE(run_key(one), 0u);
}

TEST_F(Deaths, AreDescribedWithPlaceAndTime) {
    EXPECT_EQ(describe(death(1)),
              "the process of rank 3 (4711 on node1) died while the task was at work, 2023-11-14T22:13:20Z");
}

}  // namespace
}  // namespace plenum::io
