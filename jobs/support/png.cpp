// Writing grey PNG files.
#include "support/png.hpp"

#include <fcntl.h>
#include <stb/stb_image_write.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <plenum/error.hpp>
#include <vector>

namespace plenum::jobs {
namespace {

namespace fs = std::filesystem;

fs::path partial_path(fs::path path) {
    path += ".partial";
    return path;
}

[[noreturn]] void refuse(fs::path const& path, std::string_view why) {
    throw EnvironmentError(
        fmt::format("cannot write picture '{}' ({}); choose another path or free space", path.string(), why));
}

std::vector<char> encode(Extent extent, std::span<std::uint8_t const> grey) {
    std::vector<char> encoded;
    auto const append = [](void* context, void* data, int size) {
        auto const* const bytes = static_cast<char const*>(data);
        static_cast<std::vector<char>*>(context)->insert(static_cast<std::vector<char>*>(context)->end(),
                                                         bytes, bytes + size);
    };
    auto const columns = static_cast<int>(extent.columns);
    if (stbi_write_png_to_func(append, &encoded, columns, static_cast<int>(extent.rows), 1, grey.data(),
                               columns) == 0) {
        encoded.clear();
    }
    return encoded;
}

}  // namespace

void require_png_path(fs::path const& path, std::string_view option) {
    auto const refuse_option = [&](std::string_view why, std::string_view way_out) {
        throw UsageError(
            fmt::format("{} '{}' cannot be written ({}); {}", option, path.string(), why, way_out));
    };
    if (!path.has_filename()) refuse_option("it names no file", "name a file, for example sheet.png");
    std::error_code error;
    auto const status = fs::status(path, error);
    if (fs::exists(status) && !fs::is_regular_file(status)) {
        refuse_option(fs::is_directory(status) ? "it is a directory" : "it is no regular file",
                      "name a file, for example sheet.png");
    }
    auto const folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
    if (!fs::is_directory(folder, error))
        refuse_option("its folder does not exist", "create the folder first");
    // Only a try tells: permissions say yes to root, where the file system says no.
    auto const temporary = partial_path(path);
    int const fd = open(temporary.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0) refuse_option(std::strerror(errno), "choose a folder that you may write to");
    close(fd);
    fs::remove(temporary, error);
}

void write_png(fs::path const& path, Extent extent, std::span<std::uint8_t const> grey) {
    if (grey.size() != extent.size() || grey.empty()) {
        throw UsageError(
            fmt::format("{} grey values are no picture of {} pixels (cannot write '{}'); pass one "
                        "value for each pixel",
                        grey.size(), to_string(extent), path.string()));
    }
    auto const encoded = encode(extent, grey);
    if (encoded.empty()) refuse(path, "the picture is too large for PNG");
    auto const temporary = partial_path(path);
    errno = 0;
    std::ofstream stream(temporary, std::ios::binary | std::ios::trunc);
    stream.write(encoded.data(), static_cast<std::streamsize>(encoded.size()));
    stream.close();
    std::error_code error;
    if (stream) {
        fs::rename(temporary, path, error);
        if (!error) return;
    } else {
        error.assign(errno != 0 ? errno : EIO, std::generic_category());
    }
    std::error_code ignored;
    fs::remove(temporary, ignored);
    refuse(path, error.message());
}

}  // namespace plenum::jobs
