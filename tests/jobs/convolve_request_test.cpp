// Sizes and options of the convolve job: what is accepted and how the rest is refused.
#include "support/convolve_request.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <plenum/error.hpp>

namespace plenum::jobs {
namespace {

using testing::HasSubstr;
using testing::Not;

/// The message of the error of type E that `call` throws.
template <class E, class Call>
std::string message_of(Call const& call) {
    try {
        call();
    } catch (E const& error) {
        EXPECT_THAT(error.what(), Not(HasSubstr("\n")));
        return error.what();
    }
    ADD_FAILURE() << "nothing was thrown";
    return {};
}

ConvolveRequest good_request() {
    return {.image = "photo.png", .filter_size = "4x4", .filters = 512, .stride = 5};
}

std::string refusal(ConvolveRequest const& request) {
    return message_of<UsageError>([&] { (void)plan_convolve(request); });
}

TEST(Extent, ReadsRowsAndColumns) {
    EXPECT_EQ(parse_extent("3000x2000", "--synthetic"), (Extent{3000, 2000}));
    EXPECT_EQ(parse_extent("1x1000000", "--synthetic"), (Extent{1, 1'000'000}));
    EXPECT_EQ(to_string(Extent{4, 5}), "4x5");
}

TEST(Extent, RefusesEverythingElseAndNamesTheOption) {
    for (auto const* text : {"",
                             "x",
                             "4",
                             "4x",
                             "x4",
                             "4x4x4",
                             "0x4",
                             "4x0",
                             "-4x4",
                             "4x-4",
                             "+4x4",
                             " 4x4",
                             "4x4 ",
                             "4 x 4",
                             "4,4",
                             "4.5x4",
                             "1e3x4",
                             "0x10",
                             "1000001x1",
                             "1x1000001",
                             "99999999999999999999x4",
                             "4x99999999999999999999",
                             "4294967296x4294967296"}) {
        EXPECT_THAT(message_of<UsageError>([&] { (void)parse_extent(text, "--filter-size"); }),
                    HasSubstr("--filter-size '" + std::string(text) + "'"));
    }
}

TEST(ConvolveRequest, PlansFilesDatasetsAndSyntheticImages) {
    auto request = good_request();
    auto plan = plan_convolve(request);
    EXPECT_EQ(std::get<std::filesystem::path>(plan.image), "photo.png");
    EXPECT_EQ(std::get<RandomBank>(plan.bank).filters, 512U);
    EXPECT_EQ(std::get<RandomBank>(plan.bank).size, (Extent{4, 4}));
    EXPECT_EQ(plan.stride, 5U);

    request.image = "sky.h5:/frames/red";
    request.bank = "my.bank.hdf5:bank";
    plan = plan_convolve(request);
    EXPECT_EQ(std::get<Hdf5Source>(plan.image).file, "sky.h5");
    EXPECT_EQ(std::get<Hdf5Source>(plan.image).dataset, "/frames/red");
    EXPECT_EQ(std::get<Hdf5Source>(plan.bank).file, "my.bank.hdf5");
    EXPECT_EQ(std::get<Hdf5Source>(plan.bank).dataset, "bank");

    request.image.clear();
    request.synthetic = "300x200";
    EXPECT_EQ(std::get<Extent>(plan_convolve(request).image), (Extent{300, 200}));
}

TEST(ConvolveRequest, RefusesWhatDoesNotFitTogether) {
    auto request = good_request();
    request.synthetic = "3x3";
    EXPECT_THAT(refusal(request), HasSubstr("--image and --synthetic"));
    request.image.clear();
    request.synthetic.clear();
    EXPECT_THAT(refusal(request), HasSubstr("no image given"));
    request = good_request();
    request.bank = "b.h5:bank";
    request.filters_given = true;
    EXPECT_THAT(refusal(request), HasSubstr("--bank and --filters"));
    request.filters_given = false;
    request.filter_size_given = true;
    EXPECT_THAT(refusal(request), HasSubstr("--bank and --filter-size"));
}

TEST(ConvolveRequest, RefusesNumbersThatCannotBeMeant) {
    auto request = good_request();
    request.filters = 0;
    EXPECT_THAT(refusal(request), HasSubstr("--filters 0"));
    request.filters = 1'000'000'001;
    EXPECT_THAT(refusal(request), HasSubstr("--filters 1000000001"));
    request = good_request();
    request.stride = 0;
    EXPECT_THAT(refusal(request), HasSubstr("--stride 0"));
    request = good_request();
    request.filter_size = "4by4";
    EXPECT_THAT(refusal(request), HasSubstr("--filter-size '4by4'"));
}

TEST(ConvolveRequest, DatasetsNeedAName) {
    for (auto const* text : {"sky.h5", "sky.hdf5", "sky.h5:"}) {
        auto request = good_request();
        request.image = text;
        EXPECT_THAT(refusal(request), HasSubstr(std::string("--image '") + text + "' names no dataset"));
    }
    auto request = good_request();
    request.bank = "bank.png";
    EXPECT_THAT(refusal(request), HasSubstr("--bank 'bank.png' names no dataset"));
    EXPECT_FALSE(parse_hdf5_source("odd:name.png", "--image"));
    EXPECT_EQ(parse_hdf5_source("a.h5:x.h5:y", "--image")->dataset, "x.h5:y");
}

TEST(ConvolveRequest, FilterAndStrideMustFitTheImage) {
    EXPECT_EQ(checked_shape({10, 20}, {10, 20}, 10).kept(), (Extent{2, 4}));
    auto const refused = [](Extent filter, std::size_t stride) {
        return message_of<UsageError>([&] { (void)checked_shape({10, 20}, filter, stride); });
    };
    EXPECT_THAT(refused({11, 1}, 1), HasSubstr("filter of 11x1 is larger than the image (10x20)"));
    EXPECT_THAT(refused({1, 21}, 1), HasSubstr("filter of 1x21 is larger"));
    EXPECT_THAT(refused({1, 1}, 11), HasSubstr("--stride 11"));
}

TEST(ConvolveRequest, AbsurdMemoryIsRefusedBeforeItIsTouched) {
    EXPECT_NO_THROW(require_memory(1e6, "a small image"));
    EXPECT_THAT(message_of<EnvironmentError>([] { require_memory(4e18, "a synthetic image"); }),
                HasSubstr("a synthetic image needs 3725290298.5 GiB"));
}

}  // namespace
}  // namespace plenum::jobs
