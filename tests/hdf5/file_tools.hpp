// For the tests of result files: values, what a file holds, which tasks have results.
#pragma once

#include <cstdint>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "hdf5/dataset_source.hpp"
#include "hdf5/result_file.hpp"

namespace plenum::hdf5 {

template <class T>
std::span<std::byte const> bytes(std::vector<T> const& values) {
    return std::as_bytes(std::span(values));
}

/// first, first + 1, ...
inline std::vector<double> numbers(std::size_t count, double first) {
    std::vector<double> values(count);
    std::iota(values.begin(), values.end(), first);
    return values;
}

template <class T>
std::vector<T> load(std::string const& file, std::string const& dataset) {
    auto const source = make_dataset_source();
    std::vector<T> values(count_of(source->info(file, dataset).shape));
    source->read(file, dataset, element_type_of<T>(), std::as_writable_bytes(std::span(values)));
    return values;
}

/// The tasks that have results of an earlier process.
inline std::vector<std::uint64_t> done_of(io::ResultSink const& sink, io::MapId map) {
    std::vector<std::uint64_t> tasks;
    for (auto const& [first, count] : sink.earlier_results(map).done)
        for (std::uint64_t i = 0; i < count; ++i) tasks.push_back(first + i);
    return tasks;
}

}  // namespace plenum::hdf5
