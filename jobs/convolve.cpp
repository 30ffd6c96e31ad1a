// The job convolve: one shared image, a bank of filters, the kept pixels of one full convolution with each.
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <plenum/error.hpp>
#include <plenum/job.hpp>
#include <plenum/pool.hpp>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "support/contact_sheet.hpp"
#include "support/convolution.hpp"
#include "support/convolve_request.hpp"
#include "support/image.hpp"
#include "support/index_scale.hpp"
#include "support/png.hpp"
#include "support/random_bank.hpp"
#include "support/reference.hpp"

namespace plenum::jobs {
namespace {

constexpr std::uint64_t verified_tasks = 8;

ConvolveRequest request_of(JobContext& job) {
    auto const text = [&](char const* option) {
        return job.given(option) ? job.option<std::string>(option) : std::string();
    };
    return {.image = text("image"),
            .synthetic = text("synthetic"),
            .bank = text("bank"),
            .filter_size = job.option<std::string>("filter-size"),
            .filters = job.option<std::uint64_t>("filters"),
            .stride = job.option<std::uint64_t>("stride"),
            .filters_given = job.given("filters"),
            .filter_size_given = job.given("filter-size")};
}

/// What is wrong with the shape of a dataset that should have `rank` dimensions.
std::string describe(Shape const& shape, std::size_t rank) {
    return shape.size() != rank ? fmt::format("it has rank {}", shape.size()) : std::string("it is empty");
}

Image dataset_image(JobContext& job, Hdf5Source const& source) {
    auto const shared = job.pool().share_from_hdf5<float>(source.file, source.dataset);
    auto const& shape = shared.shape();
    if (shape.size() != 2 || shape[0] == 0 || shape[1] == 0) {
        throw EnvironmentError(
            fmt::format("dataset '{}' of '{}' is no image ({}); pass one of rank 2 [row, column]",
                        source.dataset, source.file.string(), describe(shape, 2)));
    }
    auto const pixels = shared.ref().span();
    return {{shape[0], shape[1]}, {pixels.begin(), pixels.end()}};
}

Image image_of(JobContext& job, ConvolvePlan const& plan) {
    if (auto const* source = std::get_if<Hdf5Source>(&plan.image)) return dataset_image(job, *source);
    if (auto const* file = std::get_if<std::filesystem::path>(&plan.image)) return load_image(*file);
    auto const extent = std::get<Extent>(plan.image);
    require_memory(static_cast<double>(extent.size()) * sizeof(float),
                   fmt::format("a synthetic image of {}", to_string(extent)));
    return synthetic_image(extent, job.seed());
}

/// The filters in node memory and how many of which size they are.
struct SharedBank {
    SharedArray<float> taps;
    std::uint64_t filters;
    Extent size;
};

SharedBank bank_of(JobContext& job, ConvolvePlan const& plan) {
    if (auto const* random = std::get_if<RandomBank>(&plan.bank)) {
        require_memory(
            static_cast<double>(random->filters) * static_cast<double>(random->size.size()) * sizeof(float),
            fmt::format("a bank of {} filters", random->filters));
        auto const bank = random_bank(random->filters, random->size, job.seed());
        return {
            .taps = job.pool().share(std::span<float const>(bank), {random->filters, random->size.size()}),
            .filters = random->filters,
            .size = random->size};
    }
    auto const& source = std::get<Hdf5Source>(plan.bank);
    auto taps = job.pool().share_from_hdf5<float>(source.file, source.dataset);
    auto const shape = taps.shape();
    if (shape.size() != 3 || shape[0] == 0 || shape[1] == 0 || shape[2] == 0) {
        throw EnvironmentError(fmt::format(
            "dataset '{}' of '{}' is no filter bank ({}); pass one of rank 3 [filter, row, column]",
            source.dataset, source.file.string(), describe(shape, 3)));
    }
    return {.taps = std::move(taps), .filters = shape[0], .size = {shape[1], shape[2]}};
}

/// Positions of the kept pixels in the full convolution.
std::vector<double> kept_positions(std::size_t count, std::size_t stride) {
    std::vector<double> positions(count);
    for (std::size_t k = 0; k < count; ++k) positions[k] = static_cast<double>(k * stride);
    return positions;
}

void verify(JobContext& job, Image const& image, SharedBank const& bank, ConvolutionShape const& shape) {
    auto const sample = spread_indices(bank.filters, verified_tasks);
    auto const bank_taps = bank.taps.ref().span();
    double largest_error = 0;
    for (auto const filter : sample) {
        auto const result = job.results().read<float>("filtered", filter, 1);
        auto const taps = bank_taps.subspan(filter * bank.size.size(), bank.size.size());
        auto const agreement = compare_with_reference(result, image.pixels, taps, shape);
        if (!agreement.holds()) {
            throw Error(
                ExitCode::tasks_failed,
                fmt::format("verify: task {} differs from the reference (relative error {:.2g}, at most "
                            "{:.2g} is rounding); do not use these results",
                            filter, agreement.largest_error, agreement.tolerance));
        }
        largest_error = std::max(largest_error, agreement.largest_error);
    }
    job.say(fmt::format(
        "verify: {} of {} sampled tasks agree (largest error {:.2g} of the largest possible value)",
        sample.size(), sample.size(), largest_error));
}

void draw_contact_sheet(JobContext& job, std::string const& path, std::uint64_t filters, Extent kept) {
    std::vector<float> results;
    auto const shown = spread_indices(filters, contact_sheet_capacity);
    for (auto const filter : shown) {
        auto const result = job.results().read<float>("filtered", filter, 1);
        results.insert(results.end(), result.begin(), result.end());
    }
    write_contact_sheet(path, results, shown.size(), kept);
    job.say(fmt::format("contact sheet of {} results: {}", shown.size(), path));
}

int run_convolve(JobContext& job) {
    auto const plan = plan_convolve(request_of(job));
    bool const wants_sheet = job.given("contact-sheet");
    auto const sheet = wants_sheet ? job.option<std::string>("contact-sheet") : std::string();
    if (wants_sheet) require_png_path(sheet, "--contact-sheet");
    auto const image = image_of(job, plan);
    // Sizes that are known are checked before anything large is made or shared.
    if (auto const* random = std::get_if<RandomBank>(&plan.bank)) {
        (void)checked_shape(image.extent, random->size, plan.stride);
    }
    auto const bank = bank_of(job, plan);
    auto const shape = checked_shape(image.extent, bank.size, plan.stride);
    auto const kept = shape.kept();
    job.say(fmt::format("{} filters of {} on an image of {}; with stride {} each result has {} pixels",
                        bank.filters, to_string(bank.size), to_string(image.extent), shape.stride,
                        to_string(kept)));

    StridedLayout const layout(shape);
    require_memory(static_cast<double>(layout.size()) * sizeof(float), "the arranged image");
    std::vector<float> arranged(layout.size());
    arrange(image.pixels, layout, arranged);
    auto const strided =
        job.pool().share(std::span<float const>(arranged), {layout.slabs(), layout.slab_size()});
    arranged = {};

    job.results().write("inputs/filters", bank.taps.ref().span(),
                        {bank.filters, bank.size.rows, bank.size.columns}, {{"units", "1"}});
    job.results().map(
        "filtered",
        [strided = strided.ref(), taps = bank.taps.ref(), layout](std::uint64_t filter,
                                                                  std::span<float> out) {
            auto const size = layout.shape().filter.size();
            convolve_kept(strided.span(), layout, taps.span().subspan(filter * size, size), out);
        },
        indices(bank.filters),
        {.shape = {kept.rows, kept.columns},
         .version = 1,
         .dimensions = {"filter", "y", "x"},
         .units = "1",
         .scales = {index_scale(0, "filter", bank.filters),
                    {.dimension = 1,
                     .name = "y",
                     .values = kept_positions(kept.rows, shape.stride),
                     .units = "pixel"},
                    {.dimension = 2,
                     .name = "x",
                     .values = kept_positions(kept.columns, shape.stride),
                     .units = "pixel"}},
         .attributes = {{"long_name", "full convolution with zero padding, every stride-th pixel"},
                        {"stride", std::to_string(shape.stride)}}});

    if (job.dry_run()) return 0;
    if (job.option<bool>("verify")) verify(job, image, bank, shape);
    if (wants_sheet) draw_contact_sheet(job, sheet, bank.filters, kept);
    return 0;
}

auto const registered = add_job(
    {.name = "convolve",
     .summary = "convolve one shared image with many filters",
     .options =
         {{.name = "image", .placeholder = "FILE", .help = "PNG, JPEG or BMP file, or FILE.h5:DATASET"},
          {.name = "synthetic", .placeholder = "RxC", .help = "make an image of that size instead"},
          {.name = "filters",
           .placeholder = "N",
           .default_value = "512",
           .help = "number of filters in the random bank"},
          {.name = "filter-size",
           .placeholder = "RxC",
           .default_value = "4x4",
           .help = "rows and columns of the random filters"},
          {.name = "bank", .placeholder = "FILE.h5:DATASET", .help = "filters [filter, row, column] to use"},
          {.name = "stride",
           .placeholder = "K",
           .default_value = "5",
           .help = "keep every K-th pixel in both directions"},
          {.name = "verify", .help = "compare sampled results with a plain reference implementation"},
          {.name = "contact-sheet", .placeholder = "FILE.png", .help = "draw thumbnails of sampled results"}},
     .run = run_convolve});

}  // namespace
}  // namespace plenum::jobs
