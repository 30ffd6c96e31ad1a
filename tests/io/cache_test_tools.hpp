// What the tests of the cache share: a folder of their own, keys and values by number, bytes of files.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "io/cache_store.hpp"

namespace plenum::io {

class CacheFolder {
public:
    CacheFolder() {
        auto name = (std::filesystem::temp_directory_path() / "plenum-cache-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) ADD_FAILURE() << "no folder";
        path_ = name;
    }
    CacheFolder(CacheFolder const&) = delete;
    CacheFolder& operator=(CacheFolder const&) = delete;
    CacheFolder(CacheFolder&&) = delete;
    CacheFolder& operator=(CacheFolder&&) = delete;
    ~CacheFolder() { std::filesystem::remove_all(path_); }
    [[nodiscard]] std::string path() const { return path_.string(); }
    [[nodiscard]] std::string shared_file() const { return (path_ / "results.plenum-cache").string(); }
    [[nodiscard]] std::vector<std::string> files() const {
        std::vector<std::string> names;
        for (auto const& entry : std::filesystem::directory_iterator(path_))
            names.push_back(entry.path().filename().string());
        return names;
    }

private:
    std::filesystem::path path_;
};

[[nodiscard]] inline base::Digest key_of(std::uint64_t i) {
    return base::blake2b(std::as_bytes(std::span(&i, 1)));
}

/// Of varying length, some of 0 bytes, each with the number in it that is longer than 8.
[[nodiscard]] inline Bytes value_of(std::uint64_t i, std::size_t most = 200) {
    Bytes value(static_cast<std::size_t>(i * 7919 % most));
    for (std::size_t k = 0; k < value.size(); ++k) value[k] = static_cast<std::byte>(i * 31 + k * 17);
    if (value.size() >= sizeof i) std::memcpy(value.data(), &i, sizeof i);
    return value;
}

[[nodiscard]] inline std::string read_file(std::string const& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// A new file in the place of the old one: rewriting one waits for the disk.
inline void write_file(std::string const& path, std::string const& content) {
    std::filesystem::remove(path);
    std::ofstream(path, std::ios::binary) << content;
}

}  // namespace plenum::io
