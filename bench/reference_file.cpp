// Plain HDF5 writes by one process, synced: contiguous, or compressed chunks; and reading such a file back.
#include <fcntl.h>
#include <hdf5.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "reference.hpp"
#include "work.hpp"

namespace bench {
namespace {

constexpr unsigned compression_level = 1;

/// The result of an HDF5 call, checked.
template <class T>
T checked(T result) {
    if (result < 0) throw std::runtime_error("an HDF5 call failed; its messages are above");
    return result;
}

struct Values {
    hid_t type;
    std::vector<hsize_t> shape;  // first: record
    std::size_t record_bytes;
    void const* data;
    std::string name = "values";
    bool compressed = false;                                      // in chunks of one write each
    std::vector<std::vector<std::byte>> const* chunks = nullptr;  // those, when they are ready
};

void write_dataset(hid_t file, Values const& values, hsize_t records_per_write) {
    auto const rank = static_cast<int>(values.shape.size());
    auto const space = checked(H5Screate_simple(rank, values.shape.data(), nullptr));
    std::vector<hsize_t> first(values.shape.size(), 0);
    auto count = values.shape;
    auto const creation = checked(H5Pcreate(H5P_DATASET_CREATE));
    if (values.compressed) {
        count[0] = records_per_write;
        checked(H5Pset_chunk(creation, rank, count.data()));
        checked(H5Pset_shuffle(creation));
        checked(H5Pset_deflate(creation, compression_level));
    }
    auto const dataset = checked(
        H5Dcreate2(file, values.name.c_str(), values.type, space, H5P_DEFAULT, creation, H5P_DEFAULT));
    checked(H5Pclose(creation));
    for (hsize_t record = 0; record < values.shape[0]; record += records_per_write) {
        first[0] = record;
        if (values.chunks != nullptr) {
            auto const& chunk = (*values.chunks)[record / records_per_write];
            checked(H5Dwrite_chunk(dataset, H5P_DEFAULT, 0, first.data(), chunk.size(), chunk.data()));
            continue;
        }
        count[0] = std::min(records_per_write, values.shape[0] - record);
        auto const memory = checked(H5Screate_simple(rank, count.data(), nullptr));
        checked(H5Sselect_hyperslab(space, H5S_SELECT_SET, first.data(), nullptr, count.data(), nullptr));
        checked(H5Dwrite(dataset, values.type, memory, space, H5P_DEFAULT,
                         static_cast<std::byte const*>(values.data) + record * values.record_bytes));
        checked(H5Sclose(memory));
    }
    checked(H5Dclose(dataset));
    checked(H5Sclose(space));
}

/// Seconds from creating the file until its bytes are on the disk.
double write(std::string const& path, std::vector<Values> const& datasets, hsize_t records_per_write) {
    auto const start = now_ns();
    auto const file = checked(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT));
    for (auto const& values : datasets) write_dataset(file, values, records_per_write);
    checked(H5Fclose(file));
    auto const descriptor = ::open(path.c_str(), O_RDWR);
    if (descriptor < 0 || ::fsync(descriptor) != 0) throw std::runtime_error("cannot sync " + path);
    ::close(descriptor);
    return seconds_since(start);
}

}  // namespace

void write_convolutions(std::string const& path, std::uint64_t side, std::uint64_t filters) {
    Convolution const what(side, filters);
    std::vector<float> strided(what.layout.size());
    what.fill_image(strided);
    auto const taps = what.bank();
    auto const kept = what.layout.shape().kept();
    std::vector<float> results(filters * kept.size());
    for (std::uint64_t filter = 0; filter < filters; ++filter)
        convolve(strided, what.layout, taps, filter,
                 std::span(results).subspan(filter * kept.size(), kept.size()));
    report(write(path,
                 {{.type = H5T_NATIVE_FLOAT,
                   .shape = {filters, kept.rows, kept.columns},
                   .record_bytes = kept.size() * sizeof(float),
                   .data = results.data()}},
                 1),
           0);
}

void write_records(std::string const& path, std::uint64_t record_bytes, std::uint64_t records,
                   std::uint64_t records_per_write) {
    auto const words = record_bytes / sizeof(std::uint64_t);
    std::vector<std::uint64_t> values(words * records);
    fill_record(0, values);
    std::vector<hsize_t> shape{records};
    if (words > 1) shape.push_back(words);
    report(write(path,
                 {{.type = H5T_NATIVE_UINT64,
                   .shape = shape,
                   .record_bytes = record_bytes,
                   .data = values.data()}},
                 records_per_write),
           0);
}

void write_ragged(std::string const& path, std::uint64_t records) {
    std::vector<std::uint64_t> offsets{0};
    for (std::uint64_t i = 0; i < records; ++i) offsets.push_back(offsets.back() + ragged_words(i));
    std::vector<std::uint64_t> values(offsets.back());
    for (std::uint64_t i = 0; i < records; ++i)
        fill_record(i, std::span(values).subspan(offsets[i], offsets[i + 1] - offsets[i]));
    constexpr auto word = sizeof(std::uint64_t);
    constexpr hsize_t words_per_write = (1 << 20) / word;
    report(write(path,
                 {{.type = H5T_NATIVE_UINT64,
                   .shape = {values.size()},
                   .record_bytes = word,
                   .data = values.data()},
                  {.type = H5T_NATIVE_UINT64,
                   .shape = {offsets.size()},
                   .record_bytes = word,
                   .data = offsets.data(),
                   .name = "offsets"}},
                 words_per_write),
           0);
}

void write_masks(std::string const& path, std::uint64_t side, std::uint64_t masks, MaskFile kind) {
    Masks const what(side);
    auto const size = what.extent.size();
    std::vector<std::uint8_t> stack(what.stack_bytes()), values(masks * size);
    what.fill(stack);
    for (std::uint64_t i = 0; i < masks; ++i) what.make(i, stack, std::span(values).subspan(i * size, size));
    // As Plenum chooses its chunks: whole masks, a MiB of them.
    auto const in_chunk = std::clamp<std::uint64_t>((1 << 20) / size, 1, masks);
    std::vector<std::vector<std::byte>> chunks;
    for (std::uint64_t first = 0; kind == MaskFile::chunks && first < masks; first += in_chunk) {
        std::vector<std::uint8_t> chunk(in_chunk * size);  // bytes need no shuffling
        std::copy_n(values.data() + first * size, std::min(in_chunk, masks - first) * size, chunk.data());
        auto bytes = ::compressBound(chunk.size());
        auto& packed = chunks.emplace_back(bytes);
        if (::compress2(reinterpret_cast<Bytef*>(packed.data()), &bytes, chunk.data(), chunk.size(),
                        compression_level) != Z_OK)
            throw std::runtime_error("cannot compress");
        packed.resize(bytes);
    }
    report(write(path,
                 {{.type = H5T_NATIVE_UINT8,
                   .shape = {masks, side, side},
                   .record_bytes = size,
                   .data = values.data(),
                   .compressed = kind != MaskFile::contiguous,
                   .chunks = kind == MaskFile::chunks ? &chunks : nullptr}},
                 kind == MaskFile::contiguous ? 1 : in_chunk),
           0);
}

void check_file(std::string const& path, std::string const& dataset_path) {
    auto const file = checked(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT));
    auto const dataset = checked(H5Dopen2(file, dataset_path.c_str(), H5P_DEFAULT));
    auto const type = checked(H5Dget_type(dataset));
    auto const space = checked(H5Dget_space(dataset));
    auto const bytes =
        static_cast<std::size_t>(checked(H5Sget_simple_extent_npoints(space))) * H5Tget_size(type);
    std::vector<std::uint64_t> words((bytes + 7) / 8);
    checked(H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, words.data()));
    checked(H5Sclose(space));
    checked(H5Tclose(type));
    checked(H5Dclose(dataset));
    checked(H5Fclose(file));
    report(0, checksum(words));
}

}  // namespace bench
