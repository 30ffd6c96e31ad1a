// The options of the convolve job as the user gave them, and the plan that they make when they fit together.
#include "support/convolve_request.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <plenum/error.hpp>

namespace plenum::jobs {
namespace {

constexpr std::uint64_t filter_limit = 1'000'000'000;

decltype(ConvolvePlan::image) image_source(ConvolveRequest const& request) {
    if (!request.image.empty() && !request.synthetic.empty()) {
        throw UsageError(
            "--image and --synthetic exclude each other (both name the image); give one of them");
    }
    if (!request.synthetic.empty()) return parse_extent(request.synthetic, "--synthetic");
    if (request.image.empty()) {
        throw UsageError(
            "no image given (convolve has no default image); give --image FILE or --synthetic 3000x3000");
    }
    if (auto source = parse_hdf5_source(request.image, "--image")) return *std::move(source);
    return std::filesystem::path(request.image);
}

decltype(ConvolvePlan::bank) bank_source(ConvolveRequest const& request) {
    if (!request.bank.empty()) {
        if (request.filters_given || request.filter_size_given) {
            throw UsageError(fmt::format(
                "--bank and {} exclude each other (the bank has its own filters); give one of them",
                request.filters_given ? "--filters" : "--filter-size"));
        }
        if (auto source = parse_hdf5_source(request.bank, "--bank")) return *std::move(source);
        throw UsageError(
            fmt::format("--bank '{}' names no dataset (a bank is an HDF5 dataset); write it as "
                        "FILE.h5:DATASET",
                        request.bank));
    }
    if (request.filters == 0 || request.filters > filter_limit) {
        throw UsageError(fmt::format("--filters {} is out of range; write a whole number from 1 to {}",
                                     request.filters, filter_limit));
    }
    return RandomBank{.filters = request.filters, .size = parse_extent(request.filter_size, "--filter-size")};
}

double available_memory() {
    std::ifstream meminfo("/proc/meminfo");
    for (std::string name, rest; meminfo >> name; std::getline(meminfo, rest)) {
        double kibibytes = 0;
        if (name == "MemAvailable:" && meminfo >> kibibytes) return kibibytes * 1024;
    }
    return static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGE_SIZE));
}

}  // namespace

std::optional<Hdf5Source> parse_hdf5_source(std::string_view text, std::string_view option) {
    constexpr std::array<std::string_view, 3> endings = {".h5:", ".hdf5:", ".he5:"};
    auto colon = std::string_view::npos;
    for (auto const ending : endings) {
        auto const found = text.find(ending);
        if (found != std::string_view::npos) colon = std::min(colon, found + ending.size() - 1);
    }
    bool const is_bare_file = std::ranges::any_of(endings, [&](std::string_view ending) {
        return text.ends_with(ending.substr(0, ending.size() - 1));
    });
    if (colon + 1 == text.size() || (colon == std::string_view::npos && is_bare_file)) {
        throw UsageError(
            fmt::format("{} '{}' names no dataset (an HDF5 file can hold many); write it as "
                        "FILE.h5:DATASET",
                        option, text));
    }
    if (colon == std::string_view::npos) return std::nullopt;
    return Hdf5Source{.file = text.substr(0, colon), .dataset = std::string(text.substr(colon + 1))};
}

ConvolvePlan plan_convolve(ConvolveRequest const& request) {
    if (request.stride == 0) {
        throw UsageError("--stride 0 keeps no pixel (every stride-th is kept); give 1 or more");
    }
    return {.image = image_source(request), .bank = bank_source(request), .stride = request.stride};
}

ConvolutionShape checked_shape(Extent image, Extent filter, std::size_t stride) {
    if (filter.rows > image.rows || filter.columns > image.columns) {
        throw UsageError(
            fmt::format("a filter of {} is larger than the image ({}); give a smaller --filter-size or "
                        "--bank, or a larger image",
                        to_string(filter), to_string(image)));
    }
    auto const shorter_side = std::min(image.rows, image.columns);
    if (stride > shorter_side) {
        throw UsageError(
            fmt::format("--stride {} is longer than the shorter side of the image ({}); give at most {}",
                        stride, to_string(image), shorter_side));
    }
    return {.image = image, .filter = filter, .stride = stride};
}

void require_memory(double bytes, std::string_view what) {
    constexpr double gibibyte = 0x1p30;
    auto const available = available_memory();
    if (bytes <= available) return;
    throw EnvironmentError(
        fmt::format("{} needs {:.1f} GiB of memory ({:.1f} GiB are available on this host); "
                    "choose a smaller size or a larger host",
                    what, bytes / gibibyte, available / gibibyte));
}

}  // namespace plenum::jobs
