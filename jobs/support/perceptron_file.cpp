// The file of a perceptron's parameters: a line that says so, the widths, and the floats as they lie.
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <plenum/error.hpp>

#include "support/perceptron.hpp"

namespace plenum::jobs {
namespace {

static_assert(std::endian::native == std::endian::little);  // files look the same everywhere

constexpr std::string_view first_line = "plenum perceptron 1\n";
constexpr std::size_t widths_length = 256;  // text, padded with spaces and ended with a newline
constexpr std::size_t header_length = first_line.size() + widths_length;

[[noreturn]] void refuse(std::filesystem::path const& path, std::string_view why) {
    throw EnvironmentError(
        fmt::format("cannot read weights '{}' ({}); pass a file that classify --train --weights "
                    "has written",
                    path.string(), why));
}

[[noreturn]] void fail_to_write(std::filesystem::path const& path) {
    throw EnvironmentError(
        fmt::format("cannot write weights '{}' ({}); check the folder, its permissions and the "
                    "disk",
                    path.string(), std::strerror(errno)));
}

std::string header_of(Layers const& layers) {
    auto const widths = to_string(layers);
    return fmt::format("{}{:<{}}\n", first_line, widths, widths_length - 1);
}

}  // namespace

void require_weights_path(std::filesystem::path const& path) {
    std::error_code error;
    if (!std::filesystem::exists(path, error)) return;
    std::array<char, first_line.size()> start{};
    bool const regular = std::filesystem::is_regular_file(path, error);
    if (regular && std::ifstream(path, std::ios::binary).read(start.data(), start.size()) &&
        std::string_view(start.data(), start.size()) == first_line) {
        return;
    }
    throw UsageError(fmt::format(
        "--weights '{}' exists and holds no weights (it would be lost); choose another name", path.string()));
}

void save_perceptron(Perceptron const& perceptron, std::filesystem::path const& path) {
    require_weights_path(path);
    auto const partial = path.string() + fmt::format(".partial-{}", ::getpid());
    auto const header = header_of(perceptron.layers);
    errno = 0;
    std::ofstream stream(partial, std::ios::binary);
    stream.write(header.data(), static_cast<std::streamsize>(header.size()));
    stream.write(reinterpret_cast<char const*>(perceptron.parameters.data()),
                 static_cast<std::streamsize>(perceptron.parameters.size() * sizeof(float)));
    stream.close();
    if (stream && std::rename(partial.c_str(), path.c_str()) == 0) return;
    auto const why = errno;
    (void)::unlink(partial.c_str());
    errno = why;
    fail_to_write(path);
}

Perceptron load_perceptron(std::filesystem::path const& path) {
    std::error_code error;
    if (!std::filesystem::exists(path, error)) refuse(path, error ? error.message() : "no such file");
    if (!std::filesystem::is_regular_file(path, error)) refuse(path, "it is no regular file");
    auto const size = std::filesystem::file_size(path, error);
    errno = 0;
    std::ifstream stream(path, std::ios::binary);
    if (!stream || error) refuse(path, error ? error.message() : std::string(std::strerror(errno)));
    std::string header(header_length, '\0');
    if (!stream.read(header.data(), static_cast<std::streamsize>(header.size())) ||
        !header.starts_with(first_line)) {
        refuse(path, "it holds no weights");
    }
    Perceptron perceptron;
    try {
        perceptron.layers = Layers(
            header.substr(first_line.size(), header.find(' ', first_line.size()) - first_line.size()), "");
    } catch (UsageError const&) {
        refuse(path, "it is damaged");
    }
    auto const bytes = perceptron.layers.parameters() * sizeof(float);
    if (size != header_length + bytes)
        refuse(path, size < header_length + bytes ? "it is truncated" : "it is damaged");
    perceptron.parameters.resize(perceptron.layers.parameters());
    if (!stream.read(reinterpret_cast<char*>(perceptron.parameters.data()),
                     static_cast<std::streamsize>(bytes))) {
        refuse(path, "reading it failed");
    }
    return perceptron;
}

}  // namespace plenum::jobs
