// What the templates of the public API ask of the compiled engine.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <plenum/codec.hpp>
#include <plenum/detail/chunk_call.hpp>
#include <plenum/element.hpp>
#include <plenum/error.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace plenum::detail {

/// A batch of tasks as the engine sees it.
struct BatchRequest {
    TaskId function = 0;
    Bytes state;                  ///< the captured function object
    std::uint64_t tasks = 0;
    std::uint64_t stride = 0;     ///< bytes of a result; 0: varying
    ByteView plain_items;         ///< items of equal size; stays where it is until the batch has ended
    std::uint64_t item_stride = 0;
    Bytes items;                  ///< items of varying size
    std::vector<std::uint64_t> item_offsets;  ///< tasks + 1 entries, when items vary
    std::string schedule;         ///< technique by name; empty: the run's
    std::uint64_t chunk_size = 0; ///< 0: the run's
    std::uint64_t tasks_per_executor = 0; ///< 0: the run's
    std::uint64_t running_per_node = 0;   ///< tasks at the same time on a node; 0: no limit
};

/// Results that stay in memory. Fixed size: in node memory of rank 0, at base + task * stride; varying: views.
struct ResultStore {
    std::uint64_t tasks = 0;
    std::uint64_t stride = 0;
    std::byte* base = nullptr;
    std::vector<ByteView> views;
    std::vector<TaskError::Data> failures;             ///< by task
    std::vector<std::shared_ptr<void const>> owners;   ///< keep the bytes alive
};

/// Node memory of this process; the same offsets mean the same bytes in every process of the node. A task sees it
/// because it is forked from a process that did.
[[nodiscard]] std::byte* node_base() noexcept;

/// The engine as the body on rank 0 uses it. All calls block the calling thread; they come from the body's thread.
class PoolCore {
public:
    PoolCore() = default;
    PoolCore(PoolCore const&) = delete;
    PoolCore& operator=(PoolCore const&) = delete;
    virtual ~PoolCore() = default;

    [[nodiscard]] virtual std::shared_ptr<ResultStore> run(BatchRequest request) = 0;

    /// Room for an array of `bytes` in the memory of every node, present and zero. Returns its offset.
    [[nodiscard]] virtual std::uint64_t place_array(std::uint64_t bytes) = 0;
    /// The array was filled on rank 0: brings its content to the other nodes.
    virtual void publish_array(std::uint64_t offset, std::uint64_t bytes) = 0;
    virtual void free_array(std::uint64_t offset) noexcept = 0;
    /// Copies into node memory, with as many threads as rank 0's node has ranks.
    virtual void copy_in(std::uint64_t offset, ByteView bytes) = 0;

    [[nodiscard]] virtual std::pair<ElementType, Shape> dataset_info(std::string const& file,
                                                                     std::string const& dataset) = 0;
    virtual void read_dataset(std::string const& file, std::string const& dataset, ElementType as,
                              std::span<std::byte> into) = 0;

    [[nodiscard]] virtual int ranks() const noexcept = 0;
    [[nodiscard]] virtual int nodes() const noexcept = 0;
};

}  // namespace plenum::detail
