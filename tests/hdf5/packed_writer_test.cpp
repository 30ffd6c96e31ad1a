// Chunks that Plenum compresses by itself are those that HDF5's filters would have made.
#include "hdf5/packed_writer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <tuple>

#include "hdf5/file.hpp"
#include "io/packed_result.hpp"
#include "io/temporary_folder.hpp"

namespace plenum::hdf5 {
namespace {

/// Compressible and not the same everywhere.
std::vector<std::byte> some_bytes(std::uint64_t count, std::mt19937_64& random) {
    std::vector<std::byte> bytes(count);
    for (std::size_t i = 0; i < count; ++i) bytes[i] = static_cast<std::byte>(i % 4 == 0 ? random() : i >> 8);
    return bytes;
}

std::uint64_t chunks_in(Shape const& shape, Shape const& chunk) {
    std::uint64_t count = 1;
    for (std::size_t i = 0; i < shape.size(); ++i) count *= (shape[i] + chunk[i] - 1) / chunk[i];
    return count;
}

/// Where chunk `number` begins.
std::vector<hsize_t> place_of(std::uint64_t number, Shape const& shape, Shape const& chunk) {
    std::vector<hsize_t> place(shape.size());
    for (auto i = shape.size(); i-- > 0;) {
        auto const along = (shape[i] + chunk[i] - 1) / chunk[i];
        place[i] = number % along * chunk[i];
        number /= along;
    }
    return place;
}

/// As it lies in the file, compressed.
std::vector<std::byte> raw_chunk(hid_t dataset, std::vector<hsize_t> const& place) {
    hsize_t size = 0;
    checked(H5Dget_chunk_storage_size(dataset, place.data(), &size), "H5Dget_chunk_storage_size");
    std::vector<std::byte> bytes(size);
    std::uint32_t skipped = 1;
    checked(H5Dread_chunk(dataset, H5P_DEFAULT, place.data(), &skipped, bytes.data()), "H5Dread_chunk");
    EXPECT_EQ(skipped, 0u);
    return bytes;
}

/// Whole results that come packed stand beside others.
void append_some_packed(File& file, ElementType type, Shape const& shape, Storage storage,
                        std::span<std::byte const> values) {
    io::MapSpec const spec{.name = "m", .tasks = shape[0], .type = type, .shape = {shape.begin() + 1, shape.end()}};
    auto const packing = io::packing_of(spec, storage.gzip);
    if (!packing) return;
    storage.stored = nullptr;
    auto const mixed = create_dataset(file, "/mixed", type, shape, storage);
    PackedWriter writer(mixed, type, shape, storage);
    io::ResultPacker packer;
    for (std::uint64_t task = 0; task < spec.tasks; ++task) {
        auto const result = values.subspan(task * packing->result_bytes, packing->result_bytes);
        if (task % 3 == 1)
            writer.append(result);
        else
            writer.append_packed(io::view_packed(*packing, packer.pack(*packing, result))->chunks);
    }
    writer.finish();
    auto const theirs = call::d_open(file, "/theirs");
    auto const chunk = io::chunk_shape(shape, size_of(type));
    for (std::uint64_t i = 0; i < chunks_in(shape, chunk); ++i) {
        auto const place = place_of(i, shape, chunk);
        ASSERT_TRUE(raw_chunk(mixed, place) == raw_chunk(theirs, place)) << "chunk " << i << " of packed results";
    }
}

using Case = std::tuple<ElementType, Shape>;
class PackedWriterTest : public ::testing::TestWithParam<Case> {};

TEST_P(PackedWriterTest, WritesWhatTheFiltersOfHdf5Write) {
    auto const& [type, shape] = GetParam();
    test::TemporaryFolder const folder;
    std::mt19937_64 random(7);
    auto const values = some_bytes(count_of(shape) * size_of(type), random);
    for (int const threads : {1, 3}) {
        for (int const level : {1, 6}) {
            File file(folder.file("a.h5"), FileMode::create);
            std::uint64_t stored = 0;
            Storage const storage{
                .gzip = level, .threads = threads, .stored = [&](std::uint64_t bytes) { stored += bytes; }};
            auto const theirs = create_dataset(file, "/theirs", type, shape, storage);
            call::d_write(theirs, native_type(type), H5S_ALL, H5S_ALL, values.data());
            auto const ours = create_dataset(file, "/ours", type, shape, storage);
            PackedWriter writer(ours, type, shape, storage);
            for (std::size_t at = 0; at < values.size();) {
                auto const most = values.size() / size_of(type) - at / size_of(type);
                auto const count = std::min<std::uint64_t>(most, 1 + random() % 100'000) * size_of(type);
                writer.append(std::span(values).subspan(at, count));
                at += count;
            }
            writer.finish();
            append_some_packed(file, type, shape, storage, values);
            EXPECT_EQ(stored, values.size());
            std::vector<std::byte> read(values.size());
            call::d_read(ours, native_type(type), read.data());
            EXPECT_TRUE(read == values) << "read with HDF5's filters";
            auto const chunk = io::chunk_shape(shape, size_of(type));
            for (std::uint64_t i = 0; i < chunks_in(shape, chunk); ++i) {
                auto const place = place_of(i, shape, chunk);
                ASSERT_TRUE(raw_chunk(ours, place) == raw_chunk(theirs, place)) << "chunk " << i;
            }
        }
    }
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, PackedWriterTest,
    ::testing::Values(Case{ElementType::u8, {1}}, Case{ElementType::f64, {7}},
                      Case{ElementType::f64, {300'000}},          // a shorter chunk at the end
                      Case{ElementType::u64, {131'072}},          // one whole chunk
                      Case{ElementType::f64, {3, 131'072}},       // a chunk for each row
                      Case{ElementType::f32, {3, 2000, 300}},     // rows of two chunks and a part
                      Case{ElementType::u8, {9, 512, 512}},       // of 64 KiB and more each has its own
                      Case{ElementType::u8, {9, 255, 255}},       // sixteen in a chunk
                      Case{ElementType::i16, {1000, 3, 5, 1}},    // smaller than a chunk
                      Case{ElementType::i16, {2, 1, 1'100'000}},  // a row in parts, with nothing behind them
                      Case{ElementType::u8, {1, 1, 1}}));

}  // namespace
}  // namespace plenum::hdf5
