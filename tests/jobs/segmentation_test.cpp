// Smoothing, threshold and components, each against a plain reference.
#include "support/segmentation.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <plenum/error.hpp>
#include <random>

#include "support/blobs.hpp"
#include "support/components.hpp"
#include "support/picture_folder.hpp"
#include "support/segmentation_reference.hpp"

namespace plenum::jobs {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Pixels = std::vector<std::uint8_t>;

Pixels random_pixels(Extent extent, unsigned largest, std::mt19937& generator) {
    std::uniform_int_distribution<unsigned> distribution(0, largest);
    Pixels pixels(extent.size());
    for (auto& pixel : pixels) pixel = static_cast<std::uint8_t>(distribution(generator));
    return pixels;
}

void expect_reference(Pixels const& image, Extent extent, double sigma) {
    SCOPED_TRACE(to_string(extent) + ", sigma " + std::to_string(sigma));
    auto const taps = gaussian_taps(sigma);
    auto const wanted = segment_reference(image, extent, taps);
    Pixels mask(extent.size(), 7);
    auto const found = segment(image, extent, taps, mask);
    EXPECT_EQ(found.threshold, wanted.threshold);
    EXPECT_EQ(found.areas, wanted.areas);
    EXPECT_EQ(mask, wanted.mask);
    Pixels again(extent.size(), 7);
    segment_at(found.threshold, image, extent, taps, again);
    EXPECT_EQ(again, mask);
}

TEST(Segmentation, IsTheReferenceForAnySizeAndSigma) {
    std::mt19937 generator(1);
    for (Extent const extent : {Extent{1, 1}, {1, 40}, {40, 1}, {3, 5}, {17, 33}, {64, 64}, {50, 129}}) {
        for (double const sigma : {0.0, 0.5, 1.0, 2.0, 4.2, 10.0}) {
            expect_reference(random_pixels(extent, 255, generator), extent, sigma);
        }
    }
}

TEST(Segmentation, FindsTheBlobsThatWereDrawn) {
    Extent const extent{200, 300};
    Pixels image(extent.size());
    draw_blobs(5, 9, extent, image);
    expect_reference(image, extent, 2);
    Pixels mask(extent.size());
    auto const areas = segment(image, extent, gaussian_taps(2), mask).areas;
    EXPECT_THAT(areas.size(), testing::AllOf(testing::Ge(2U), testing::Le(11U)));  // 11 drawn, some overlap
    Pixels other(extent.size());
    draw_blobs(6, 9, extent, other);
    EXPECT_NE(other, image);
}

TEST(Segmentation, AllKernelsGiveTheSameBits) {
    std::mt19937 generator(2);
    Extent const extent{37, 211};
    auto const image = random_pixels(extent, 255, generator);
    auto const taps = gaussian_taps(3);
    Pixels wanted(extent.size());
    smoothing_kernels().front().run(image.data(), extent, taps, wanted.data());
    for (auto const& kernel : smoothing_kernels()) {
        Pixels smoothed(extent.size());
        kernel.run(image.data(), extent, taps, smoothed.data());
        EXPECT_EQ(smoothed, wanted) << kernel.name;
    }
}

TEST(Segmentation, OneColourHasNoMask) {
    for (std::uint8_t const grey : {std::uint8_t{0}, std::uint8_t{100}, std::uint8_t{255}}) {
        Pixels mask(60, 1);
        auto const found = segment(Pixels(60, grey), {6, 10}, gaussian_taps(1), mask);
        EXPECT_EQ(found.threshold, 255);
        EXPECT_THAT(found.areas, IsEmpty());
        EXPECT_EQ(mask, Pixels(60, 0));
    }
}

TEST(Segmentation, SmoothingKeepsTheLevel) {
    for (double const sigma : {0.3, 1.0, 2.5, 10.0}) {
        auto const taps = gaussian_taps(sigma);
        unsigned sum = taps.weights[0];
        for (std::size_t k = 1; k <= taps.radius; ++k) sum += 2U * taps.weights[k];
        EXPECT_EQ(sum, 256U) << sigma;
        Pixels smoothed(100);
        smooth(Pixels(100, 255), {10, 10}, taps, smoothed);
        EXPECT_EQ(smoothed, Pixels(100, 255)) << sigma;
    }
    EXPECT_THROW((void)gaussian_taps(-1), UsageError);
    EXPECT_THROW((void)gaussian_taps(10.5), UsageError);
}

TEST(Components, CornersConnect) {
    // Two diagonals that meet, one that does not, and a U that closes in its last row.
    Pixels const mask{1, 0, 0, 0, 0, 1, 0, 1, 0,  //
                      0, 1, 0, 1, 0, 1, 0, 1, 0,  //
                      0, 0, 1, 0, 0, 1, 1, 1, 0,  //
                      0, 0, 0, 0, 0, 0, 0, 0, 1,  //
                      1, 0, 0, 0, 0, 0, 0, 0, 0};
    EXPECT_THAT(component_areas(mask, {5, 9}), ElementsAre(4, 8, 1));
    EXPECT_THAT(component_areas(Pixels(12, 1), {3, 4}), ElementsAre(12));
    EXPECT_THAT(component_areas(Pixels(12, 0), {3, 4}), IsEmpty());
    EXPECT_THROW((void)component_areas(mask, {5, 8}), UsageError);
}

TEST(Components, AgreeWithAFloodFillForAnyDensity) {
    std::mt19937 generator(3);
    for (double const density : {0.05, 0.3, 0.5, 0.7, 0.95}) {
        std::bernoulli_distribution one(density);
        Extent const extent{61, 75};
        Pixels image(extent.size());
        for (auto& pixel : image) pixel = one(generator) ? 200 : 0;
        expect_reference(image, extent, 0);
    }
}

TEST(PictureFolder, FitsTheMiddleOfAPicture) {
    // 2 x 6 pixels; the middle 2 x 2 of them, averaged to one.
    Image const image{{2, 6}, {0, 0, 1, 1, 0, 0, 0, 0, 1, 0, 0, 0}};
    Pixels one(1);
    fit_image(image, {1, 1}, one);
    EXPECT_EQ(one.front(), 191);  // three quarters of 255, rounded
    Pixels larger(16);
    fit_image({{2, 2}, {0, 1, 1, 0}}, {4, 4}, larger);
    EXPECT_THAT(larger, ElementsAre(0, 0, 255, 255, 0, 0, 255, 255, 255, 255, 0, 0, 255, 255, 0, 0));
}

}  // namespace
}  // namespace plenum::jobs
