// Compressed result files hold what the others do, in less space, and no scratch file stays beside them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "hdf5/file_tools.hpp"
#include "io/temporary_folder.hpp"

namespace plenum::hdf5 {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(CompressedFile, HoldsTheSameResults) {
    test::TemporaryFolder const folder;
    auto const path = folder.file("out.h5");
    std::vector<double> shares;
    ResultFileOptions const compressed{
        .path = path, .gzip = 4, .pack_threads = 3, .packed = [&](double share) { shares.push_back(share); }};
    auto const spec = io::MapSpec{.name = "m", .tasks = 700, .shape = {3, 100}};
    auto const large =
        io::MapSpec{.name = "large", .tasks = 2, .type = ElementType::u8, .shape = {3000, 1000}};
    std::vector<std::uint8_t> const picture(6'000'000, 7);
    std::vector<std::uint16_t> shorts(700'000);
    std::iota(shorts.begin(), shorts.end(), std::uint16_t{0});
    {
        auto const sink = create_result_file(compressed);
        auto const map = sink->begin_map(spec);
        sink->put_fixed(map, 0, 700, bytes(numbers(210'000, 0)));
        sink->put_fixed(sink->begin_map(large), 0, 2, bytes(picture));
        auto const ragged = sink->begin_map({.name = "r", .tasks = 3, .fixed = false});
        sink->put_ragged(ragged, 1, std::vector<std::uint64_t>{3}, bytes(numbers(3, 10)));
        auto const lists =
            sink->begin_map({.name = "lists", .tasks = 3, .type = ElementType::u16, .fixed = false});
        sink->put_ragged(lists, 2, std::vector<std::uint64_t>{700'000}, bytes(shorts));
        sink->put_ragged(lists, 0, std::vector<std::uint64_t>{500'000, 0}, bytes(shorts).first(1'000'000));
        (void)sink->begin_map({.name = "none", .tasks = 0, .shape = {4}});
        sink->put_ragged(sink->begin_map({.name = "empty", .tasks = 2, .fixed = false}), 0,
                         std::vector<std::uint64_t>{0, 0}, {});
        sink->write_array("inputs/x", ElementType::f64, {3}, bytes(numbers(3, 100)), {});
        sink->publish({});
    }
    EXPECT_TRUE(std::ranges::is_sorted(shares));
    EXPECT_DOUBLE_EQ(shares.back(), 1);
    auto joined = std::vector(shorts.begin(), shorts.begin() + 500'000);
    joined.insert(joined.end(), shorts.begin(), shorts.end());
    EXPECT_EQ(load<std::uint16_t>(path, "results/lists/values"), joined);
    EXPECT_THAT(load<std::uint64_t>(path, "results/lists/offsets"),
                ElementsAre(0, 500'000, 500'000, 1'200'000));
    EXPECT_THAT(load<double>(path, "results/none"), IsEmpty());
    EXPECT_THAT(load<double>(path, "results/empty/values"), IsEmpty());
    EXPECT_THAT(load<std::uint64_t>(path, "results/empty/offsets"), ElementsAre(0, 0, 0));
    EXPECT_EQ(load<double>(path, "results/m"), numbers(210'000, 0));
    EXPECT_EQ(load<std::uint8_t>(path, "results/large"), picture);
    EXPECT_THAT(load<double>(path, "results/r/values"), ElementsAre(10, 11, 12));
    EXPECT_THAT(load<double>(path, "inputs/x"), ElementsAre(100, 101, 102));
    EXPECT_LT(std::filesystem::file_size(path), 1'600'000u);
    std::vector<std::string> names;
    for (auto const& entry : std::filesystem::directory_iterator(path.substr(0, path.rfind('/'))))
        names.push_back(entry.path().filename());
    EXPECT_THAT(names, ElementsAre("out.h5"));
}

}  // namespace
}  // namespace plenum::hdf5
