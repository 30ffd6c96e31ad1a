// Pictures: reading, refusing, making up, writing, contact sheets.
#include "support/image.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <plenum/error.hpp>
#include <string>

#include "image/picture_check.hpp"
#include "jobs/pictures.hpp"
#include "support/contact_sheet.hpp"
#include "support/png.hpp"

namespace plenum::jobs {
namespace {

namespace fs = std::filesystem;
using image::check_picture;
using image::PictureState;
using testing::HasSubstr;
using testing::Not;

class Pictures : public testing::Test {
protected:
    Pictures() {
        auto pattern = (fs::temp_directory_path() / "plenum-pictures-XXXXXX").string();
        folder_ = mkdtemp(pattern.data());
    }
    ~Pictures() override { fs::remove_all(folder_); }

    [[nodiscard]] fs::path file(char const* name, std::span<std::uint8_t const> bytes) const {
        std::ofstream stream(folder_ / name, std::ios::binary);
        stream.write(reinterpret_cast<char const*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
        return folder_ / name;
    }
    [[nodiscard]] std::vector<std::uint8_t> bytes_of(fs::path const& path) const {
        std::ifstream stream(path, std::ios::binary);
        return {std::istreambuf_iterator<char>(stream), {}};
    }
    [[nodiscard]] static std::string refusal(fs::path const& path) {
        try {
            (void)load_image(path);
        } catch (EnvironmentError const& error) {
            EXPECT_THAT(error.what(), HasSubstr(path.string()));
            EXPECT_THAT(error.what(), Not(HasSubstr("\n")));
            return error.what();
        }
        ADD_FAILURE() << path << " was accepted";
        return {};
    }

    fs::path folder_;
};

TEST_F(Pictures, PngKeepsEveryGreyValue) {
    Extent const extent{16, 32};
    std::vector<std::uint8_t> grey(extent.size());
    for (std::size_t k = 0; k < grey.size(); ++k) grey[k] = static_cast<std::uint8_t>(k * 7);
    write_png(folder_ / "a.png", extent, grey);
    auto const image = load_image(folder_ / "a.png");
    ASSERT_EQ(image.extent, extent);
    for (std::size_t k = 0; k < grey.size(); ++k) {
        ASSERT_FLOAT_EQ(image.pixels[k], static_cast<float>(grey[k]) / 255.0F);
    }
    EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 1) << "a temporary file is left";
}

TEST_F(Pictures, ColoursBecomeLuminanceInJpegAndBmp) {
    // Rows of red, green, blue and white pixels.
    auto const bmp = load_image(file("c.bmp", test_pictures::colour_rows_bmp()));
    ASSERT_EQ(bmp.extent, (Extent{4, 3}));
    EXPECT_NEAR(bmp.pixels[0], 0.299, 1e-6);
    EXPECT_NEAR(bmp.pixels[3], 0.587, 1e-6);
    EXPECT_NEAR(bmp.pixels[6], 0.114, 1e-6);
    EXPECT_NEAR(bmp.pixels[9], 1.0, 1e-6);
    auto const jpeg = load_image(file("g.jpg", test_pictures::gradient_jpeg()));
    ASSERT_EQ(jpeg.extent, (Extent{24, 40}));
    EXPECT_NEAR(jpeg.pixels.front(), 0.0, 0.03);
    EXPECT_NEAR(jpeg.pixels.back(), 1.0, 0.03);
}

TEST_F(Pictures, WhatIsNoPictureIsRefusedInOneLine) {
    EXPECT_THAT(refusal(folder_ / "none.png"), HasSubstr("no such file"));
    EXPECT_THAT(refusal(folder_), HasSubstr("it is a directory"));
    EXPECT_THAT(refusal("/dev/zero"), HasSubstr("it is no regular file"));
    EXPECT_THAT(refusal(file("empty.png", {})), HasSubstr("the file is empty"));
    std::string const text = "P5 but not really, only a long text that ends here";
    EXPECT_THAT(refusal(file("text.png", {reinterpret_cast<std::uint8_t const*>(text.data()), text.size()})),
                HasSubstr("no image of a known format"));
    std::vector<std::uint8_t> const zeros(5000);
    EXPECT_THAT(refusal(file("zeros.jpg", zeros)), HasSubstr("no image of a known format"));
}

TEST_F(Pictures, EveryTruncationIsNoticed) {
    write_png(folder_ / "a.png", {9, 11}, std::vector<std::uint8_t>(99, 128));
    auto const png = bytes_of(folder_ / "a.png");
    for (auto const& whole : {png, test_pictures::gradient_jpeg(), test_pictures::colour_rows_bmp()}) {
        std::span<std::uint8_t const> const bytes(whole);
        ASSERT_EQ(check_picture(bytes), PictureState::whole);
        for (std::size_t length = 8; length < bytes.size(); ++length) {
            ASSERT_EQ(check_picture(bytes.first(length)), PictureState::truncated)
                << length << " of " << bytes.size();
        }
    }
    auto const jpeg = test_pictures::gradient_jpeg();
    EXPECT_THAT(refusal(file("cut.jpg", std::span(jpeg).first(jpeg.size() * 3 / 4))), HasSubstr("truncated"));
    EXPECT_THAT(refusal(file("cut.png", std::span(png).first(png.size() / 2))), HasSubstr("truncated"));
}

TEST_F(Pictures, BytesAfterThePictureAreAllowed) {
    auto jpeg = test_pictures::gradient_jpeg();
    jpeg.insert(jpeg.end(), 1000, 0);
    EXPECT_EQ(load_image(file("tail.jpg", jpeg)).extent, (Extent{24, 40}));
}

TEST_F(Pictures, DamageInsideIsRefusedWhereTheFormatCanTell) {
    write_png(folder_ / "a.png", {64, 64}, std::vector<std::uint8_t>(64 * 64, 200));
    auto png = bytes_of(folder_ / "a.png");
    for (std::size_t k = 41; k < 49; ++k) png[k] = static_cast<std::uint8_t>(~png[k]);
    EXPECT_THAT(refusal(file("damaged.png", png)), HasSubstr("the file is damaged"));
}

TEST_F(Pictures, PngPathsAreCheckedBeforehand) {
    EXPECT_NO_THROW(require_png_path(folder_ / "new.png", "--contact-sheet"));
    EXPECT_NO_THROW(require_png_path("new.png", "--contact-sheet"));
    for (auto const& path : {folder_, folder_ / "no" / "a.png", fs::path("/dev/null"), fs::path("")}) {
        try {
            require_png_path(path, "--contact-sheet");
            ADD_FAILURE() << "accepted " << path;
        } catch (UsageError const& error) {
            EXPECT_THAT(error.what(), HasSubstr("--contact-sheet '" + path.string() + "'"));
        }
    }
}

TEST_F(Pictures, AFailedWriteLeavesNothing) {
    EXPECT_THROW(write_png(folder_ / "no" / "a.png", {1, 1}, std::vector<std::uint8_t>(1)), EnvironmentError);
    fs::create_directory(folder_ / "taken.png");
    EXPECT_THROW(write_png(folder_ / "taken.png", {1, 1}, std::vector<std::uint8_t>(1)), EnvironmentError);
    EXPECT_FALSE(fs::exists(folder_ / "taken.png.partial"));
    EXPECT_THROW(write_png(folder_ / "a.png", {2, 2}, std::vector<std::uint8_t>(3)), UsageError);
    EXPECT_FALSE(fs::exists(folder_ / "a.png"));
}

TEST(SyntheticImage, IsAFunctionOfItsArgumentsWithStructure) {
    Extent const extent{300, 400};
    auto const image = synthetic_image(extent, 5);
    ASSERT_EQ(image.pixels.size(), extent.size());
    EXPECT_EQ(synthetic_image(extent, 5).pixels, image.pixels);
    EXPECT_NE(synthetic_image(extent, 6).pixels, image.pixels);
    auto const [darkest, lightest] = std::ranges::minmax(image.pixels);
    EXPECT_GE(darkest, 0.0F);
    EXPECT_LE(lightest, 1.0F);
    EXPECT_GT(lightest - darkest, 0.4F);
    // Neighbours are alike nearly everywhere (no plain noise), and there are edges.
    std::size_t edges = 0;
    for (std::size_t k = 1; k < image.pixels.size(); ++k) {
        if (k % extent.columns != 0 && std::abs(image.pixels[k] - image.pixels[k - 1]) > 0.1F) ++edges;
    }
    EXPECT_GT(edges, 100U);
    EXPECT_LT(edges, extent.size() / 20);
}

TEST(ContactSheet, IsAGridOfThumbnails) {
    Extent const result{206, 411};
    for (std::size_t const count : {1U, 3U, 4U, 5U, 12U, 20U}) {
        auto const sheet = contact_sheet(std::vector<float>(count * result.size()), count, result);
        auto const shown = std::min<std::size_t>(count, 12);
        auto const across = std::min<std::size_t>(shown, 4);
        EXPECT_EQ(sheet.extent, (Extent{(shown + across - 1) / across * 124 + 4, across * 244 + 4}));
        EXPECT_EQ(sheet.grey.size(), sheet.extent.size());
    }
    EXPECT_EQ(contact_sheet(std::vector<float>(30), 1, {5, 6}).extent, (Extent{13, 14})) << "enlarged";
}

TEST(ContactSheet, StretchesEachResultAndAveragesAreas) {
    // A step from left to right, once weak and once strong and upside down, and one with an outlier.
    Extent const extent{480, 480};
    std::vector<float> results(3 * extent.size());
    for (std::size_t k = 0; k < extent.size(); ++k) {
        bool const right = k % extent.columns >= extent.columns / 2;
        results[k] = right ? 1e-3F : -1e-3F;
        results[extent.size() + k] = right ? -1e3F : 1e3F;
        results[2 * extent.size() + k] = right ? 1.0F : 0.0F;
    }
    results[2 * extent.size()] = 1e9F;
    results[2 * extent.size() + 1] = std::numeric_limits<float>::quiet_NaN();
    auto const sheet = contact_sheet(results, 3, extent);
    auto const grey = [&](std::size_t y, std::size_t x) { return sheet.grey[y * sheet.extent.columns + x]; };
    EXPECT_EQ(grey(100, 4 + 119), 0);
    EXPECT_EQ(grey(100, 4 + 120), 255);
    EXPECT_EQ(grey(100, 248 + 119), 255);
    EXPECT_EQ(grey(100, 248 + 120), 0);
    EXPECT_EQ(grey(100, 492 + 119), 0);
    EXPECT_EQ(grey(100, 492 + 120), 255);
    EXPECT_EQ(grey(0, 0), 255) << "border";

    // Columns alternate between 0 and 1 inside each averaged area: the average is constant.
    std::vector<float> stripes(extent.size());
    for (std::size_t k = 0; k < stripes.size(); ++k) stripes[k] = static_cast<float>(k % 2);
    EXPECT_EQ(contact_sheet(stripes, 1, extent).grey[100 * 248 + 100], 128);
    EXPECT_THROW((void)contact_sheet(stripes, 2, extent), UsageError);
    EXPECT_THROW((void)contact_sheet({}, 0, extent), UsageError);
}

TEST_F(Pictures, ContactSheetIsAFile) {
    write_contact_sheet(folder_ / "sheet.png", std::vector<float>(2 * 50 * 60, 1.0F), 2, {50, 60});
    EXPECT_EQ(load_image(folder_ / "sheet.png").extent, (Extent{58, 132}));
}

}  // namespace
}  // namespace plenum::jobs
