// Collects values and writes them block by block.
#include "hdf5/dataset_writer.hpp"

#include <algorithm>

#include "hdf5/values.hpp"

namespace plenum::hdf5 {
namespace {

constexpr std::size_t buffer_bytes = std::size_t{1} << 20;

}  // namespace

DatasetWriter::DatasetWriter(hid_t parent, std::string const& path, ElementType type, std::uint64_t length,
                             Storage const& storage)
    : type_(type), dataset_(create_dataset(parent, path, type, {length}, storage)) {
    if (storage.gzip != 0 && length != 0) packed_.emplace(dataset_, type, Shape{length}, storage);
}

void DatasetWriter::append(std::span<std::byte const> values) {
    if (packed_) return packed_->append(values);
    while (!values.empty()) {
        auto const part = values.first(std::min(values.size(), buffer_bytes - buffer_.size()));
        buffer_.insert(buffer_.end(), part.begin(), part.end());
        values = values.subspan(part.size());
        if (buffer_.size() == buffer_bytes) flush();
    }
}

hid_t DatasetWriter::finish() {
    flush();
    if (packed_) packed_->finish();
    return dataset_;
}

void DatasetWriter::flush() {
    if (buffer_.empty()) return;
    hsize_t const start = written_;
    hsize_t const count = buffer_.size() / size_of(type_);
    auto const place = call::d_space(dataset_);
    call::s_select_block(place, &start, &count);
    call::d_write(dataset_, native_type(type_), call::s_create_simple(1, &count), place, buffer_.data());
    written_ += count;
    buffer_.clear();
}

}  // namespace plenum::hdf5
