// What the templates of the public API ask of the compiled engine.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <plenum/codec.hpp>
#include <plenum/detail/chunk_call.hpp>
#include <plenum/detail/completion.hpp>
#include <plenum/detail/packing.hpp>
#include <plenum/detail/stream.hpp>
#include <plenum/detail/worker_table.hpp>
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
    Packing packing = {};         ///< with a level: results of one size, which executors compress; stride is 0
    ByteView plain_items;         ///< items of equal size; stays where it is until the batch has ended
    std::uint64_t item_stride = 0;
    bool padded_items = false;                     ///< bytes of plain items mean nothing where this has no way to clear
    void (*clear_padding)(std::byte*) = nullptr;   ///< of one plain item, so that equal items have equal bytes
    Bytes items;                  ///< items of varying size
    std::vector<std::uint64_t> item_offsets;  ///< tasks + 1 entries, when items vary
    std::string schedule;         ///< technique by name; empty: the run's
    std::uint64_t chunk_size = 0; ///< 0: the run's
    int priority = 0;             ///< higher first; equal ones take turns
    bool varying_items = false;   ///< of a stream: its items vary in size
    Bytes own_items;              ///< what plain_items refers to, when the caller's memory may go away
    bool on_each_executor = false; ///< task i runs on executor i and on no other; `tasks` is the number of executors
    std::uint64_t tasks_per_executor = 0; ///< 0: the run's
    std::uint64_t running_per_node = 0;   ///< tasks at the same time on a node; 0: no limit
    std::uint32_t retries = 0;            ///< for each cause; 0: the run's
    double task_timeout = 0;              ///< s; 0: the run's
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

class FutureQueue;

/// A batch on its way.
struct RunningBatch {
    std::shared_ptr<ResultStore> store;      ///< complete when `completion` has ended
    std::shared_ptr<Completion> completion;
    std::function<void()> cancel;            ///< drops what does not run yet
};

/// Node memory of this process; the same offsets mean the same bytes in every process of the node. A task sees it
/// because it is forked from a process that did.
[[nodiscard]] std::byte* node_base() noexcept;

/// The engine as the body on rank 0 uses it. The calls about arrays block, and come from the body's thread.
class PoolCore {
public:
    PoolCore() = default;
    PoolCore(PoolCore const&) = delete;
    PoolCore& operator=(PoolCore const&) = delete;
    virtual ~PoolCore() = default;

    /// Starts a batch. Throws what is known to be wrong at once; what goes wrong later ends its completion.
    [[nodiscard]] virtual RunningBatch start(BatchRequest request) = 0;
    /// Opens a stream. `receiver` is kept until it has ended.
    [[nodiscard]] virtual std::unique_ptr<Stream> open_stream(BatchRequest request,
                                                              std::shared_ptr<StreamReceiver> receiver) = 0;
    /// Runs `work` on the thread for callbacks, one after the other.
    virtual void call_back(std::function<void()> work) = 0;
    /// Drops what does not run yet, of every batch and stream.
    virtual void cancel_all() = 0;
    /// The queue behind submit() for one task function and priority; made at first use.
    [[nodiscard]] virtual std::shared_ptr<FutureQueue> future_queue(BatchRequest const& request) = 0;
    /// Executors of all ranks.
    [[nodiscard]] virtual int executors() const noexcept = 0;

    /// Room for an array of `bytes` in the memory of every node, present and zero. Returns its offset.
    [[nodiscard]] virtual std::uint64_t place_array(std::uint64_t bytes) = 0;
    /// The same for an array of this content, filled on rank 0 with as many threads as its node has ranks.
    [[nodiscard]] virtual std::uint64_t place_copy(ByteView bytes) = 0;
    /// The array was filled on rank 0: brings its content to the other nodes.
    virtual void publish_array(std::uint64_t offset, std::uint64_t bytes) = 0;
    virtual void free_array(std::uint64_t offset) noexcept = 0;

    [[nodiscard]] virtual std::pair<ElementType, Shape> dataset_info(std::string const& file,
                                                                     std::string const& dataset) = 0;
    virtual void read_dataset(std::string const& file, std::string const& dataset, ElementType as,
                              std::span<std::byte> into) = 0;

    /// What executors that were renewed have left of that state, in the order in which it came; each once.
    [[nodiscard]] virtual std::vector<ExitRecord> take_exit_records(std::uint64_t state) = 0;

    [[nodiscard]] virtual int ranks() const noexcept = 0;
    [[nodiscard]] virtual int nodes() const noexcept = 0;
};

}  // namespace plenum::detail
