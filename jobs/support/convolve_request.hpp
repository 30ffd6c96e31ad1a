// The options of the convolve job as the user gave them, and the plan that they make when they fit together.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "support/convolution.hpp"

namespace plenum::jobs {

/// The values of the options; empty text where an option was not given and has no default.
struct ConvolveRequest {
    std::string image{};        ///< FILE or FILE.h5:DATASET
    std::string synthetic{};    ///< ROWSxCOLUMNS
    std::string bank{};         ///< FILE.h5:DATASET
    std::string filter_size{};  ///< ROWSxCOLUMNS
    std::uint64_t filters = 0;
    std::uint64_t stride = 0;
    bool filters_given = false;      ///< by the user, not by default
    bool filter_size_given = false;  ///< by the user, not by default
};

/// A dataset in an HDF5 file.
struct Hdf5Source {
    std::filesystem::path file;
    std::string dataset;
};

/// "run.h5:/image/red" to its two parts, split after the first .h5, .hdf5 or .he5 that a colon follows;
/// nothing when there is no such colon. Throws UsageError that names `option` when the dataset is missing.
[[nodiscard]] std::optional<Hdf5Source> parse_hdf5_source(std::string_view text, std::string_view option);

/// How many random filters of which size.
struct RandomBank {
    std::uint64_t filters = 0;
    Extent size;
};

/// Where everything comes from. An Extent as the image asks for a synthetic one.
struct ConvolvePlan {
    std::variant<std::filesystem::path, Hdf5Source, Extent> image;
    std::variant<RandomBank, Hdf5Source> bank;
    std::size_t stride = 1;
};

/// Throws UsageError, naming the option, for options that exclude each other, none where one is needed, and
/// numbers that cannot be meant. Opens no file.
[[nodiscard]] ConvolvePlan plan_convolve(ConvolveRequest const& request);

/// The shape of the convolutions. Throws UsageError when the filter is larger than the image in one
/// direction, or the stride than the shorter side of the image.
[[nodiscard]] ConvolutionShape checked_shape(Extent image, Extent filter, std::size_t stride);

/// Throws EnvironmentError when `bytes` for `what` (for example "the synthetic image") are more than this
/// host has to spare, so that absurd sizes end with a message and not with a killed process.
void require_memory(double bytes, std::string_view what);

}  // namespace plenum::jobs
