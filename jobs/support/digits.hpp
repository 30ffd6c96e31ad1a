// Handwritten digits of 8x8 pixels, as scikit-learn brings them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace plenum::jobs {

inline constexpr std::size_t digit_pixels = 64;
inline constexpr std::size_t digit_classes = 10;
/// Where Debian's python3-sklearn puts them.
inline constexpr char const* default_digits =
    "/usr/lib/python3/dist-packages/sklearn/datasets/data/digits.csv.gz";

/// Samples with what they show.
struct Samples {
    std::vector<float> inputs;         ///< [sample, digit_pixels], 0 to 1
    std::vector<std::uint8_t> labels;  ///< 0 to 9

    [[nodiscard]] std::size_t count() const noexcept { return labels.size(); }
};

/// Reads rows of 64 grey values (0 to 16) and a digit, between commas, also compressed with gzip. Throws
/// EnvironmentError that names the file and the line when it is missing or something else.
[[nodiscard]] Samples load_digits(std::filesystem::path const& path);

/// Every fifth sample is for the test, the others are for training: writers come one after the other.
struct Split {
    Samples training;
    Samples test;
};
[[nodiscard]] Split split_digits(Samples const& all);

}  // namespace plenum::jobs
