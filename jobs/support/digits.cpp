// Handwritten digits of 8x8 pixels, read through zlib.
#include "support/digits.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>
#include <plenum/error.hpp>
#include <string>
#include <string_view>

namespace plenum::jobs {
namespace {

struct CloseFile {
    void operator()(gzFile_s* file) const noexcept { gzclose(file); }
};

[[noreturn]] void refuse(std::filesystem::path const& path, std::string_view why) {
    throw EnvironmentError(
        fmt::format("cannot read --digits '{}' ({}); install python3-sklearn or pass its "
                    "digits.csv.gz",
                    path.string(), why));
}

/// All of the file, decompressed where it is compressed.
std::string text_of(std::filesystem::path const& path) {
    std::error_code error;
    if (std::filesystem::is_directory(path, error)) refuse(path, "it is a folder");
    errno = 0;
    std::unique_ptr<gzFile_s, CloseFile> const file(gzopen(path.c_str(), "rb"));
    if (!file) refuse(path, errno != 0 ? std::strerror(errno) : "no memory");
    std::string text;
    std::array<char, 1 << 16> part{};
    constexpr std::size_t most = 1 << 28;  // far more than the digits; a stream of zeros ends here
    int read = 0;
    while ((read = gzread(file.get(), part.data(), static_cast<unsigned>(part.size()))) > 0) {
        text.append(part.data(), static_cast<std::size_t>(read));
        if (text.size() > most) refuse(path, "it is too large");
    }
    int status = Z_OK;
    (void)gzerror(file.get(), &status);
    if (read < 0 || (status != Z_OK && status != Z_STREAM_END)) refuse(path, "it is damaged or truncated");
    return text;
}

/// Adds the sample of one line; false when it is none.
bool add_sample(std::string_view line, Samples& samples) {
    auto const* at = line.data();
    auto const* const end = at + line.size();
    for (std::size_t k = 0; k <= digit_pixels; ++k) {
        double number = 0;
        auto const parsed = std::from_chars(at, end, number);
        auto const largest = k < digit_pixels ? 16 : 9;
        if (parsed.ec != std::errc() || !(number >= 0 && number <= largest)) return false;
        at = parsed.ptr;
        if (k < digit_pixels) {
            if (at == end || *at++ != ',') return false;
            samples.inputs.push_back(static_cast<float>(number / 16));
        } else {
            samples.labels.push_back(static_cast<std::uint8_t>(number));
        }
    }
    return at == end;
}

void append(Samples& to, Samples const& from, std::size_t sample) {
    auto const first = from.inputs.begin() + static_cast<std::ptrdiff_t>(sample * digit_pixels);
    to.inputs.insert(to.inputs.end(), first, first + static_cast<std::ptrdiff_t>(digit_pixels));
    to.labels.push_back(from.labels[sample]);
}

}  // namespace

Samples load_digits(std::filesystem::path const& path) {
    auto const text = text_of(path);
    Samples samples;
    std::string_view rest(text);
    for (std::size_t number = 1; !rest.empty(); ++number) {
        auto line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(rest.size(), line.size() + 1));
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (!add_sample(line, samples)) {
            refuse(path, fmt::format("line {} is not 64 grey values from 0 to 16 and a digit", number));
        }
    }
    if (samples.count() < 10) refuse(path, fmt::format("it has {} samples", samples.count()));
    return samples;
}

Split split_digits(Samples const& all) {
    Split split;
    for (std::size_t sample = 0; sample < all.count(); ++sample) {
        append(sample % 5 == 4 ? split.test : split.training, all, sample);
    }
    return split;
}

}  // namespace plenum::jobs
