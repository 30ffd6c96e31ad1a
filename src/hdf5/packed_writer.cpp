#include "hdf5/packed_writer.hpp"

#include <algorithm>
#include <memory>

#include "base/beside.hpp"
#include "io/packed_result.hpp"

namespace plenum::hdf5 {

PackedWriter::PackedWriter(hid_t dataset, ElementType type, Shape const& shape, Storage const& storage)
    : dataset_(dataset),
      element_bytes_(size_of(type)),
      storage_(storage),
      shape_(shape.begin(), shape.end()) {
    auto const chunk = io::chunk_shape(shape, element_bytes_);
    chunk_.assign(chunk.begin(), chunk.end());
    // Chunks have one step in the dimensions before it, and all of the dimensions behind.
    auto const longer = std::ranges::find_if(chunk_, [](hsize_t extent) { return extent > 1; });
    cut_ = std::min<std::size_t>(static_cast<std::size_t>(longer - chunk_.begin()), chunk_.size() - 1);
    step_bytes_ = element_bytes_;
    for (auto dimension = cut_ + 1; dimension < shape_.size(); ++dimension) step_bytes_ *= shape_[dimension];
    place_.assign(shape_.size(), 0);
    start_chunk();
}

void PackedWriter::start_chunk() {
    wanted_ = std::min(chunk_[cut_], shape_[cut_] - place_[cut_]) * step_bytes_;
    buffer_.clear();
    buffer_.reserve(chunk_[cut_] * step_bytes_);
}

void PackedWriter::append(std::span<std::byte const> values) {
    while (!values.empty()) {
        auto const part = values.first(std::min(values.size(), wanted_ - buffer_.size()));
        buffer_.insert(buffer_.end(), part.begin(), part.end());
        values = values.subspan(part.size());
        if (buffer_.size() == wanted_) pack();
    }
}

void PackedWriter::append_packed(std::span<ByteView const> chunks) {
    for (auto const chunk : chunks) {
        std::promise<std::vector<std::byte>> packed;
        packed.set_value({chunk.begin(), chunk.end()});
        add(packed.get_future());
    }
}

void PackedWriter::pack() {
    buffer_.resize(chunk_[cut_] * step_bytes_);  // the last one is whole in the file, too
    auto const work = [chunk = std::make_shared<std::vector<std::byte> const>(std::move(buffer_)),
                       element_bytes = element_bytes_,
                       level = storage_.gzip] { return io::packed_chunk(*chunk, element_bytes, level); };
    add(storage_.threads > 1 ? base::beside(work) : std::async(std::launch::deferred, work));
}

void PackedWriter::add(std::future<std::vector<std::byte>> packed) {
    under_way_.push_back({.place = place_, .bytes = wanted_, .packed = std::move(packed)});
    // One more than threads, so that they have work while this one stores and reads.
    if (under_way_.size() > static_cast<std::size_t>(storage_.threads)) store_oldest();

    place_[cut_] += chunk_[cut_];
    for (auto dimension = cut_; dimension > 0 && place_[dimension] >= shape_[dimension]; --dimension) {
        place_[dimension] = 0;
        ++place_[dimension - 1];
    }
    start_chunk();
}

void PackedWriter::store_oldest() {
    auto chunk = std::move(under_way_.front());
    under_way_.pop_front();
    auto const packed = chunk.packed.get();
    call::d_write_chunk(dataset_, chunk.place.data(), packed.size(), packed.data());
    if (storage_.stored) storage_.stored(chunk.bytes);
}

void PackedWriter::finish() {
    while (!under_way_.empty()) store_oldest();
}

}  // namespace plenum::hdf5
