// Shared arrays from HDF5 datasets: types and shapes that are converted, errors, the same values on every
// node. PLENUM_TEST_INPUTS names the file that make_inputs.py has made.
#include <cstdint>
#include <cstdlib>
#include <numeric>
#include <plenum/hdf5.hpp>

#include "api/pool_test.hpp"

namespace plenum::api_test {
namespace {

std::string inputs() {
    auto const* const file = std::getenv("PLENUM_TEST_INPUTS");
    return file == nullptr ? "PLENUM_TEST_INPUTS is not set" : file;
}

template <class T>
void expect_numbers_of_every_type() {
    for (auto const* const kind :
         {"i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8", "big_f4", "big_i2"}) {
        auto const array = pool().share_from_hdf5<T>(inputs(), std::string("numbers/") + kind);
        ASSERT_EQ(array.shape(), Shape{100}) << kind;
        for (std::uint64_t i = 0; i < 100; ++i) ASSERT_EQ(array.span()[i], static_cast<T>(i)) << kind;
    }
}

TEST(SharedFromHdf5, ConvertsEveryNumericType) {
    expect_numbers_of_every_type<float>();
    expect_numbers_of_every_type<double>();
    expect_numbers_of_every_type<std::uint8_t>();
    expect_numbers_of_every_type<std::int64_t>();
}

TEST(SharedFromHdf5, KeepsShapes) {
    auto const matrix = pool().share_from_hdf5<double>(inputs(), "matrix");
    EXPECT_EQ(matrix.shape(), (Shape{2, 3}));
    EXPECT_EQ(matrix.ref()(1, 2), 5.0);
    auto const cube = pool().share_from_hdf5<float>(inputs(), "/cube");
    EXPECT_EQ(cube.shape(), (Shape{2, 3, 4}));
    EXPECT_EQ(cube.planes(), 2u);
    EXPECT_EQ(cube.rows(), 3u);
    EXPECT_EQ(cube.columns(), 4u);
    EXPECT_EQ(cube(1, 2, 3), 23.0f);
    auto const four = pool().share_from_hdf5<int>(inputs(), "four");
    EXPECT_EQ(four.shape(), (Shape{2, 3, 4, 5}));
    EXPECT_EQ(four.planes(), 2u);
    EXPECT_EQ(four.rows(), 3u);
    EXPECT_EQ(four.columns(), 20u);
    EXPECT_EQ(four.plane(1)(2, 19), 119);
    auto const scalar = pool().share_from_hdf5<double>(inputs(), "scalar");
    EXPECT_EQ(scalar.size(), 1u);
    EXPECT_EQ(scalar.ref()[0], 2.5);
    auto const empty = pool().share_from_hdf5<double>(inputs(), "empty");
    EXPECT_EQ(empty.size(), 0u);
    EXPECT_EQ(empty.shape(), (Shape{0, 7}));
}

TEST(SharedFromHdf5, HasItsValuesInEveryTask) {
    auto const array = pool().share_from_hdf5<double>(inputs(), "compressed");
    auto const sums = pool().map(
        [array = array.ref()](std::uint64_t r) {
            auto const row = array.row(r);
            return std::accumulate(row.begin(), row.end(), 0.0);
        },
        indices(100), {.schedule = "ss"});
    for (std::uint64_t r = 0; r < 100; ++r)
        EXPECT_EQ(sums[r], static_cast<double>(r) * 1e6 + 999.0 * 1000.0 / 2.0);
}

TEST(LoadedFromHdf5, AreValuesAndShapeInTheBodyAndInTasks) {
    auto const cube = load_hdf5<std::int16_t>(inputs(), "cube");
    EXPECT_EQ(cube.shape, (Shape{2, 3, 4}));
    ASSERT_EQ(cube.values.size(), 24u);
    for (std::size_t i = 0; i < 24; ++i) EXPECT_EQ(cube.values[i], static_cast<std::int16_t>(i));
    EXPECT_EQ(load_hdf5<double>(inputs(), "scalar").values, std::vector<double>{2.5});
    EXPECT_EQ(load_hdf5<float>(inputs(), "empty").shape, (Shape{0, 7}));
    EXPECT_TRUE(
        contains(message_of<EnvironmentError>([] { (void)load_hdf5<float>(inputs(), "text"); }), "text"));
    EXPECT_TRUE(contains(message_of<EnvironmentError>([] { (void)load_hdf5<float>("no/file.h5", "a"); }),
                         "no/file.h5"));
    // Every executor reads the file itself.
    std::vector<std::string> const names(20, inputs());
    auto const sums = pool().map(
        [](std::string const& file) {
            auto const loaded = load_hdf5<double>(file, "compressed").values;
            return std::accumulate(loaded.begin(), loaded.end(), 0.0);
        },
        names);
    for (auto const sum : sums) EXPECT_EQ(sum, 99'999.0 * 100'000.0 / 2);
}

TEST(SharedFromHdf5, NamesWhatCannotBeRead) {
    auto const message = [](std::string const& file, std::string const& dataset) {
        return message_of<EnvironmentError>([&] { (void)pool().share_from_hdf5<float>(file, dataset); });
    };
    EXPECT_TRUE(contains(message("no/such/file.h5", "matrix"), "no/such/file.h5"));
    EXPECT_TRUE(contains(message(inputs(), "no/such/dataset"), "no/such/dataset"));
    EXPECT_TRUE(contains(message(inputs(), "numbers"), "numbers"));
    EXPECT_TRUE(contains(message(inputs(), "text"), "text"));
    EXPECT_TRUE(contains(message(inputs(), "records"), "records"));
    EXPECT_TRUE(contains(message("/dev/null", "matrix"), "/dev/null"));
    EXPECT_EQ(pool().share_from_hdf5<double>(inputs(), "matrix").ref()[5], 5.0);
}

}  // namespace
}  // namespace plenum::api_test
