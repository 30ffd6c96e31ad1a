// Documents for counting: text files, or made-up text, and their division into batches.
#include "support/documents.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <plenum/error.hpp>
#include <plenum/random.hpp>
#include <vector>

#include "support/packed_text.hpp"
#include "support/philox.hpp"
#include "support/prefix_trie.hpp"

namespace plenum::jobs {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse(fs::path const& path, std::string_view why) {
    throw EnvironmentError(
        fmt::format("cannot read --text '{}' ({}); pass text files, {}or give --synthetic N", path.string(),
                    why, path == king_james_text ? "install bible-kjv-text, " : ""));
}

std::string read_file(fs::path const& path) {
    errno = 0;
    std::ifstream file(path, std::ios::binary);
    std::error_code error;
    auto const size = fs::file_size(path, error);
    if (!file || error) refuse(path, errno != 0 ? std::strerror(errno) : error.message());
    std::string bytes(size, '\0');
    if (!file.read(bytes.data(), static_cast<std::streamsize>(size))) refuse(path, "it cannot be read");
    return is_packed_text(bytes) ? unpack_text(bytes, path) : bytes;
}

std::vector<fs::path> files_of(fs::path const& path) {
    std::error_code error;
    auto const status = fs::status(path, error);
    if (fs::is_regular_file(status)) return {path};
    if (!fs::exists(status)) refuse(path, error.message());
    if (!fs::is_directory(status)) refuse(path, "it is no regular file");
    std::vector<fs::path> files;
    fs::directory_iterator entry(path, error);
    for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
        if (entry->is_regular_file()) files.push_back(entry->path());
    }
    if (error) refuse(path, error.message());
    if (files.empty()) refuse(path, "the folder holds no files");
    std::ranges::sort(files);
    return files;
}

constexpr std::size_t vocabulary = 20'000, words_per_document = 200;

std::vector<std::string> make_words(std::uint64_t seed) {
    // Twice means twice as likely.
    constexpr std::string_view letters = "eeeettaaooiinnsshhrrdllumcwfgypbvk";
    std::vector<std::string> words(vocabulary);
    for (std::size_t k = 0; k < words.size(); ++k) {
        TaskRng random(seed, k, static_cast<std::uint16_t>(RandomStream::words));
        words[k].resize(2 + random() % 11);
        for (auto& letter : words[k]) letter = letters[random() % letters.size()];
    }
    return words;
}

}  // namespace

std::string read_documents(std::string_view names) {
    std::string text;
    for (std::size_t begin = 0; begin <= names.size();) {
        auto const end = std::min(names.find(',', begin), names.size());
        for (auto const& file : files_of(fs::path(names.substr(begin, end - begin))))
            text.append(read_file(file)) += '\n';
        begin = end + 1;
    }
    if (std::ranges::none_of(text, [](char c) { return letter_number(c) != 0; }))
        refuse(fs::path(names), "there are no words in it");
    return text;
}

std::string make_documents(std::uint64_t count, std::uint64_t seed) {
    auto const words = make_words(seed);
    auto const most = std::log(static_cast<double>(vocabulary));
    std::string text;
    for (std::uint64_t document = 0; document < count; ++document) {
        TaskRng random(seed, document, static_cast<std::uint16_t>(RandomStream::documents));
        for (std::size_t k = 0; k < words_per_document; ++k) {
            // Uniform logarithms of the rank: its frequency falls like 1 / rank.
            auto const rank = static_cast<std::size_t>(std::exp(most * random.uniform01())) - 1;
            text.append(words[std::min(rank, vocabulary - 1)]) += k + 1 < words_per_document ? ' ' : '\n';
        }
    }
    return text;
}

std::uint64_t end_of_batch(std::string_view text, std::uint64_t first, std::uint64_t size) noexcept {
    if (size >= text.size() - first) return text.size();
    auto end = first + size;
    while (end < text.size() && letter_number(text[end]) != 0) ++end;
    return end;
}

}  // namespace plenum::jobs
