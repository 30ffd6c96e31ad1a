// The job segment: masks of a stack of grey images, and the areas of what they show.
#include <fmt/format.h>

#include <cstdint>
#include <filesystem>
#include <plenum/error.hpp>
#include <plenum/job.hpp>
#include <plenum/pool.hpp>
#include <span>
#include <string>
#include <vector>

#include "support/blobs.hpp"
#include "support/convolve_request.hpp"
#include "support/image.hpp"
#include "support/index_scale.hpp"
#include "support/picture_folder.hpp"
#include "support/reference.hpp"
#include "support/segmentation.hpp"
#include "support/segmentation_reference.hpp"

namespace plenum::jobs {
namespace {

constexpr std::uint64_t image_limit = 10'000'000;
constexpr std::uint64_t verified_images = 8;
constexpr std::uint64_t names_limit = 32'000;  // bytes of names that fit into an attribute

/// Where the images come from: pictures, or made up when there are none.
struct Request {
    std::vector<std::string> pictures;
    std::uint64_t images = 0;
    Extent extent;
    GaussianTaps taps;
};

Request request_of(JobContext& job) {
    Request request{.pictures = {},
                    .images = 0,
                    .extent = parse_extent(job.option<std::string>("size"), "--size"),
                    .taps = gaussian_taps(job.option<double>("sigma"))};
    if (request.extent.size() > UINT32_MAX) {
        throw UsageError(
            fmt::format("--size '{}' is too large (areas are 32-bit numbers); give less than 2^32 pixels",
                        to_string(request.extent)));
    }
    if (job.given("images") == job.given("synthetic")) {
        throw UsageError(
            job.given("images")
                ? "--images and --synthetic exclude each other (both name the images); give one of them"
                : "no images given (segment has no default); give --images DIR or --synthetic 256");
    }
    if (job.given("images")) {
        request.pictures = pictures_in(job.option<std::string>("images"));
        request.images = request.pictures.size();
        return request;
    }
    request.images = job.option<std::uint64_t>("synthetic");
    if (request.images == 0 || request.images > image_limit) {
        throw UsageError(fmt::format("--synthetic {} is out of range; write a whole number from 1 to {}",
                                     request.images, image_limit));
    }
    return request;
}

/// The images in node memory, [image, pixel]. Executors decode or draw them, each its own.
SharedArray<std::uint8_t> stack_of(JobContext& job, Request const& request) {
    auto const extent = request.extent;
    auto const share = [&](Results<std::span<std::uint8_t const>> const& images) {
        // They lie one after the other.
        return job.pool().share(std::span(images[0].data(), request.images * extent.size()),
                                {request.images, extent.size()});
    };
    MapOptions const options{.shape = {extent.rows, extent.columns}, .on_failure = OnFailure::collect};
    if (request.pictures.empty()) {
        // Once as results and once as the shared stack.
        require_memory(2 * static_cast<double>(request.images) * static_cast<double>(extent.size()),
                       fmt::format("{} synthetic images of {}", request.images, to_string(extent)));
        return share(job.pool().map(
            [seed = job.seed(), extent](std::uint64_t image, std::span<std::uint8_t> out) {
                draw_blobs(image, seed, extent, out);
            },
            indices(request.images), options));
    }
    auto const images =
        job.pool().map([extent](std::string const& path,
                                std::span<std::uint8_t> out) { fit_image(load_image(path), extent, out); },
                       request.pictures, options);
    if (!images.failures().empty()) throw EnvironmentError(images.failures().front().message);
    return share(images);
}

/// Segments one image; the mask is made where it will be thrown away, in memory that the executor keeps.
struct Measure {
    SharedRef<std::uint8_t> stack;
    Extent extent;
    GaussianTaps taps;

    /// The threshold, then the areas.
    std::vector<std::uint32_t> operator()(std::uint64_t image) const {
        thread_local std::vector<std::uint8_t> mask;
        mask.resize(extent.size());
        auto const found = segment(stack.row(image), extent, taps, mask);
        std::vector<std::uint32_t> measured{found.threshold};
        measured.insert(measured.end(), found.areas.begin(), found.areas.end());
        return measured;
    }
};

/// An image whose threshold is known.
struct Measured {
    std::uint64_t image = 0;
    std::uint8_t threshold = 0;
};

struct Measurements {
    std::vector<Measured> images;
    std::vector<std::vector<std::uint32_t>> areas;
};

Measurements measure(JobContext& job, SharedArray<std::uint8_t> const& stack, Request const& request) {
    Measurements all;
    auto const results =
        job.pool().map(Measure{.stack = stack.ref(), .extent = request.extent, .taps = request.taps},
                       indices(request.images));
    for (std::uint64_t image = 0; image < results.size(); ++image) {
        auto const measured = results[image];
        all.images.push_back({image, static_cast<std::uint8_t>(measured.front())});
        all.areas.emplace_back(measured.begin() + 1, measured.end());
    }
    return all;
}

std::vector<Attribute> attributes_of(JobContext& job, Request const& request) {
    std::vector<Attribute> attributes{{"long_name", "1 where the smoothed image is above its threshold"},
                                      {"sigma", job.option<double>("sigma")}};
    if (request.pictures.empty()) return attributes;
    std::string names;
    for (auto const& path : request.pictures) {
        if (!names.empty()) names += '\n';
        names += std::filesystem::path(path).filename().string();
    }
    attributes.push_back({"folder", job.option<std::string>("images")});
    if (names.size() <= names_limit) attributes.push_back({"files", names});
    return attributes;
}

void verify(JobContext& job, SharedArray<std::uint8_t> const& stack, Request const& request,
            Measurements const& measured) {
    auto const sample = spread_indices(request.images, verified_images);
    for (auto const image : sample) {
        auto const wanted = segment_reference(stack.ref().row(image), request.extent, request.taps);
        if (wanted.threshold != measured.images[image].threshold || wanted.areas != measured.areas[image] ||
            wanted.mask != job.results().read<std::uint8_t>("mask", image, 1)) {
            throw Error(
                ExitCode::tasks_failed,
                fmt::format("verify: image {} differs from the reference (mask, threshold or areas); do not "
                            "use these results",
                            image));
        }
    }
    job.say(fmt::format("verify: {} of {} sampled images agree, bit for bit", sample.size(), sample.size()));
}

int run(JobContext& job) {
    auto const request = request_of(job);
    auto const extent = request.extent;
    // Thresholds and areas first: they are small and stay in memory. The masks then only have to be smoothed
    // again, which costs less than keeping them all until then.
    SharedArray<std::uint8_t> stack;
    Measurements measured;
    if (job.dry_run()) {
        measured.images.resize(request.images);
        measured.areas.resize(request.images);
    } else {
        stack = stack_of(job, request);
        job.say(fmt::format("{} images of {}, smoothed over {} x {} pixels", request.images,
                            to_string(extent), 2 * request.taps.radius + 1, 2 * request.taps.radius + 1));
        measured = measure(job, stack, request);
    }
    auto const images = index_scale(0, "image", request.images);
    job.results().map("mask",
                      [stack = stack.ref(), extent, taps = request.taps](Measured const& image,
                                                                         std::span<std::uint8_t> out) {
                          segment_at(image.threshold, stack.row(image.image), extent, taps, out);
                      },
                      measured.images,
                      {.shape = {extent.rows, extent.columns},
                       .version = 1,
                       .dimensions = {"image", "y", "x"},
                       .units = "1",
                       .scales = {images, index_scale(1, "y", extent.rows, "pixel"),
                                  index_scale(2, "x", extent.columns, "pixel")},
                       .attributes = attributes_of(job, request)});
    job.results().map("threshold", [](Measured const& image) { return image.threshold; }, measured.images,
                      {.version = 1,
                       .dimensions = {"image"},
                       .units = "1",
                       .scales = {images},
                       .attributes = {{"long_name", "grey value, 0 to 255, after Otsu"}}});
    job.results().map(
        "labels",
        [](std::vector<std::uint32_t> const& areas) { return static_cast<std::uint32_t>(areas.size()); },
        measured.areas,
        {.version = 1,
         .dimensions = {"image"},
         .units = "1",
         .scales = {images},
         .attributes = {{"long_name", "number of 8-connected components"}}});
    job.results().map(
        "areas", [](std::vector<std::uint32_t> const& areas) { return areas; }, measured.areas,
        {.version = 1,
         .units = "pixel",
         .attributes = {
             {"long_name", "areas of the components of each image, in the order of their first pixels"}}});
    if (job.option<bool>("verify") && !job.dry_run()) verify(job, stack, request, measured);
    return 0;
}

auto const registered = add_job(
    {.name = "segment",
     .summary = "smooth, threshold and count the objects of a stack of images",
     .options = {{.name = "images", .placeholder = "DIR", .help = "folder of PNG, JPEG or BMP pictures"},
                 {.name = "synthetic", .placeholder = "N", .help = "make N images of blobs instead"},
                 {.name = "size",
                  .placeholder = "RxC",
                  .default_value = "512x512",
                  .help = "pixels of an image; pictures are cropped to that shape and scaled"},
                 {.name = "sigma",
                  .placeholder = "S",
                  .default_value = "2",
                  .help = "standard deviation of the Gaussian smoothing in pixels, 0 to 10"},
                 {.name = "verify", .help = "compare sampled images with a plain reference implementation"}},
     .run = run,
     .example = "plenum run segment --synthetic 256 --verify -o masks.h5"});

}  // namespace
}  // namespace plenum::jobs
