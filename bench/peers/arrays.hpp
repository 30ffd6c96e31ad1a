// Inputs and outputs of the peers: files of numbers as they lie in memory.
#pragma once

#include <filesystem>
#include <fstream>
#include <ios>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace bench {

/// Fills `values` from the start of the file.
template <class T>
void read_array(std::filesystem::path const& path, std::span<T> values) {
    std::ifstream file(path, std::ios::binary);
    if (!file.read(reinterpret_cast<char*>(values.data()), static_cast<std::streamsize>(values.size_bytes())))
        throw std::runtime_error("cannot read " + std::to_string(values.size_bytes()) + " bytes of " +
                                 path.string());
}

template <class T>
[[nodiscard]] std::vector<T> read_array(std::filesystem::path const& path, std::size_t count) {
    std::vector<T> values(count);
    read_array<T>(path, values);
    return values;
}

template <class T>
void save_array(std::filesystem::path const& path, std::span<T const> values) {
    std::ofstream file(path, std::ios::binary);
    file.write(reinterpret_cast<char const*>(values.data()),
               static_cast<std::streamsize>(values.size_bytes()));
    if (!file.flush()) throw std::runtime_error("cannot write " + path.string());
}

}  // namespace bench
