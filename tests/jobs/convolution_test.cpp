// The convolution kernel, its reference and the random filters.
#include "support/convolution.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <plenum/error.hpp>
#include <random>

#include "support/image.hpp"
#include "support/random_bank.hpp"
#include "support/reference.hpp"

namespace plenum::jobs {
namespace {

std::vector<float> random_floats(std::size_t count, std::mt19937& generator) {
    std::uniform_real_distribution<float> distribution(-1.0F, 1.0F);
    std::vector<float> numbers(count);
    for (auto& number : numbers) number = distribution(generator);
    return numbers;
}

/// Arranges and convolves with every variant; all must give the same bits. The strided image and the output
/// are filled with NaN before, so that a float that is never written shows.
std::vector<float> convolved(std::span<float const> image, std::span<float const> filter,
                             ConvolutionShape const& shape) {
    constexpr auto nan = std::numeric_limits<float>::quiet_NaN();
    StridedLayout const layout(shape);
    std::vector<float> strided(layout.size(), nan);
    arrange(image, layout, strided);
    std::vector<float> out(shape.kept().size(), nan);
    convolve_kept(strided, layout, filter, out);
    for (auto const& kernel : convolution_kernels()) {
        std::vector<float> other(out.size(), nan);
        kernel.run(strided.data(), layout, filter.data(), other.data());
        EXPECT_EQ(other, out) << kernel.name;
    }
    return out;
}

void expect_reference(ConvolutionShape const& shape, std::mt19937& generator) {
    SCOPED_TRACE(to_string(shape.image) + " * " + to_string(shape.filter) + " / " +
                 std::to_string(shape.stride));
    auto const image = random_floats(shape.image.size(), generator);
    auto const filter = random_floats(shape.filter.size(), generator);
    auto const agreement = compare_with_reference(convolved(image, filter, shape), image, filter, shape);
    EXPECT_TRUE(agreement.holds()) << agreement.largest_error << " > " << agreement.tolerance;
}

TEST(Convolution, IsTheFullOneOfScipy) {
    // scipy.signal.convolve2d([[1, 2], [3, 4]], [[10, 20, 30]], mode="full")
    std::vector<float> const image{1, 2, 3, 4};
    std::vector<float> const filter{10, 20, 30};
    ConvolutionShape const shape{.image = {2, 2}, .filter = {1, 3}, .stride = 1};
    std::vector<float> const expected{10, 40, 70, 60, 30, 100, 170, 120};
    EXPECT_EQ(convolved(image, filter, shape), expected);
    EXPECT_EQ(convolve_reference(image, filter, shape),
              std::vector<double>(expected.begin(), expected.end()));
    EXPECT_EQ(convolved(image, filter, {.image = {2, 2}, .filter = {1, 3}, .stride = 2}),
              (std::vector<float>{10, 70}));
}

TEST(Convolution, KeptPixelsStartAtZeroAndIncludeTheLastPartialStride) {
    EXPECT_EQ((ConvolutionShape{.image = {3000, 3000}, .filter = {4, 4}, .stride = 5}.kept()),
              (Extent{601, 601}));
    EXPECT_EQ((ConvolutionShape{.image = {10, 11}, .filter = {1, 1}, .stride = 5}.kept()), (Extent{2, 3}));
}

TEST(Convolution, AgreesWithTheReferenceForNamedCases) {
    std::mt19937 generator(1);
    for (Extent const filter :
         {Extent{1, 1}, {1, 2}, {3, 1}, {2, 2}, {3, 3}, {4, 4}, {7, 3}, {3, 7}, {16, 5}}) {
        for (std::size_t const stride : {1U, 2U, 3U, 5U, 9U, 40U}) {
            expect_reference({.image = {31, 47}, .filter = filter, .stride = stride}, generator);
        }
    }
    for (std::size_t const stride : {1U, 2U, 5U, 9U}) {
        expect_reference({.image = {17, 12}, .filter = {17, 12}, .stride = stride}, generator);
        expect_reference({.image = {1, 200}, .filter = {1, 200}, .stride = stride}, generator);
        expect_reference({.image = {1, 1}, .filter = {1, 1}, .stride = stride}, generator);
    }
    expect_reference({.image = {300, 400}, .filter = {4, 4}, .stride = 5}, generator);
}

TEST(Convolution, AgreesWithTheReferenceForRandomCases) {
    std::mt19937 generator(2);
    auto const up_to = [&](std::size_t limit) {
        return std::uniform_int_distribution<std::size_t>(1, limit)(generator);
    };
    for (int round = 0; round < 400; ++round) {
        Extent const image{up_to(60), up_to(90)};
        expect_reference({.image = image,
                          .filter = {up_to(std::min<std::size_t>(image.rows, 12)), up_to(image.columns)},
                          .stride = up_to(11)},
                         generator);
    }
}

TEST(Convolution, FilterMayBeLargerThanTheImage) {
    std::mt19937 generator(3);
    for (std::size_t const stride : {1U, 2U, 5U}) {
        expect_reference({.image = {2, 3}, .filter = {9, 11}, .stride = stride}, generator);
    }
}

TEST(Convolution, LayoutLeavesOutPixelsThatNoTapMeets) {
    StridedLayout const layout({.image = {3000, 3000}, .filter = {4, 4}, .stride = 5});
    EXPECT_EQ(layout.slabs(), 601U);
    EXPECT_EQ(layout.slab_size(), 16U * 608U);
    EXPECT_LT(layout.size(), 3000U * 3000U * 2 / 3);
}

TEST(Convolution, WrongSizesAreRefused) {
    ConvolutionShape const shape{.image = {6, 6}, .filter = {2, 2}, .stride = 2};
    StridedLayout const layout(shape);
    std::vector<float> strided(layout.size());
    std::vector<float> image(36);
    std::vector<float> const filter(4);
    std::vector<float> out(shape.kept().size());
    EXPECT_THROW(arrange(std::span(image).first(35), layout, strided), UsageError);
    EXPECT_THROW(arrange(image, layout, std::span(strided).first(strided.size() - 1)), UsageError);
    EXPECT_THROW(convolve_kept(image, layout, filter, out), UsageError);
    EXPECT_THROW(convolve_kept(strided, layout, std::span(filter).first(3), out), UsageError);
    EXPECT_THROW(convolve_kept(strided, layout, filter, std::span(out).first(1)), UsageError);
}

TEST(Reference, ComparisonNoticesOneWrongPixel) {
    ConvolutionShape const shape{.image = {64, 64}, .filter = {4, 4}, .stride = 5};
    auto const image = synthetic_image(shape.image, 7).pixels;
    auto const filter = random_bank(1, shape.filter, 7);
    auto result = convolved(image, filter, shape);
    EXPECT_TRUE(compare_with_reference(result, image, filter, shape).holds());
    result[77] += 1e-4F;
    EXPECT_FALSE(compare_with_reference(result, image, filter, shape).holds());
    result[77] = std::numeric_limits<float>::quiet_NaN();
    EXPECT_FALSE(compare_with_reference(result, image, filter, shape).holds());
    result.pop_back();
    EXPECT_FALSE(compare_with_reference(result, image, filter, shape).holds());
}

TEST(Reference, SampledIndicesAreSpreadAndDifferent) {
    EXPECT_EQ(spread_indices(0, 8), std::vector<std::uint64_t>{});
    EXPECT_EQ(spread_indices(1, 8), std::vector<std::uint64_t>{0});
    EXPECT_EQ(spread_indices(3, 8), (std::vector<std::uint64_t>{0, 1, 2}));
    EXPECT_EQ(spread_indices(100, 4), (std::vector<std::uint64_t>{0, 33, 66, 99}));
    EXPECT_EQ(spread_indices(100, 1), std::vector<std::uint64_t>{0});
    auto const last = std::numeric_limits<std::uint64_t>::max() - 1;
    EXPECT_EQ(spread_indices(last + 1, 3), (std::vector<std::uint64_t>{0, last / 2, last}));
}

TEST(RandomBank, FiltersHaveZeroMeanAndUnitWeight) {
    Extent const size{4, 5};
    auto const bank = random_bank(20, size, 42);
    ASSERT_EQ(bank.size(), 400U);
    for (std::size_t filter = 0; filter < 20; ++filter) {
        double sum = 0;
        double weight = 0;
        for (auto const tap : std::span(bank).subspan(filter * size.size(), size.size())) {
            sum += static_cast<double>(tap);
            weight += std::abs(static_cast<double>(tap));
        }
        EXPECT_NEAR(sum, 0, 1e-6);
        EXPECT_NEAR(weight, 1, 1e-6);
    }
    EXPECT_EQ(random_bank(2, {1, 1}, 42), (std::vector<float>{1, 1}));
}

TEST(RandomBank, AFilterDependsOnSeedAndIndexOnly) {
    Extent const size{4, 4};
    auto const bank = random_bank(9, size, 42);
    auto const shorter = random_bank(5, size, 42);
    EXPECT_TRUE(std::equal(shorter.begin(), shorter.end(), bank.begin()));
    EXPECT_NE(random_bank(9, size, 43), bank);
    EXPECT_NE(random_bank(9, size, 42 + (std::uint64_t{1} << 32)), bank);
    EXPECT_FALSE(std::equal(bank.begin(), bank.begin() + 16, bank.begin() + 16));
}

}  // namespace
}  // namespace plenum::jobs
