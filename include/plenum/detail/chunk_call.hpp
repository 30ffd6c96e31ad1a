// What an executor hands to a task function for one chunk of tasks: the seam between templates and compiled core.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <memory>
#include <new>
#include <plenum/codec.hpp>
#include <plenum/error.hpp>

namespace plenum::detail {

/// Status of a task in its block. A task is final when its status is not `pending`.
enum class TaskStatus : std::uint8_t { pending = 0, done = 1, failed = 2, returned = 3 };

struct ChunkCall {
    std::uint64_t first = 0, last = 0;  ///< tasks of this chunk, indices in the map, half open
    std::uint64_t block_first = 0;      ///< task whose item, slot and status come first below

    ByteView function;                        ///< bytes of the captured function object, 64-byte aligned
    std::shared_ptr<void>* object = nullptr;  ///< decoded function object, kept between chunks of one batch

    std::byte const* items = nullptr;              ///< item of task block_first
    std::uint64_t const* item_offsets = nullptr;   ///< null: items of equal size, one after the other
    std::uint64_t item_stride = 0;                 ///< bytes of an item of equal size

    std::byte* results = nullptr;   ///< slot of task block_first; null for results of varying length
    std::uint64_t stride = 0;       ///< bytes of a slot
    std::uint64_t slots_apart = 0;  ///< bytes from one slot to the next; 0: all tasks have the same
    std::uint8_t* status = nullptr; ///< TaskStatus of task block_first; only failures are written by the task function

    /// The task that runs now. All tasks of the chunk before it are final, so this store comes before each task.
    std::atomic<std::uint64_t>* current = nullptr;
    bool careful = true;  ///< tasks are long enough that `task_ended` is worth its cost

    void* executor = nullptr;
    void (*fail)(ChunkCall&, std::uint64_t task, FailureCause cause, char const* message) = nullptr;
    void (*store)(ChunkCall&, std::uint64_t task, ByteView result) = nullptr;  ///< result of varying length
    void (*task_ended)(ChunkCall&, std::uint64_t task) = nullptr;  ///< may lower `last` to task + 1

    [[nodiscard]] ByteView item(std::uint64_t task) const noexcept {
        auto const i = task - block_first;
        if (item_offsets == nullptr) return {items + i * item_stride, item_stride};
        return {items + item_offsets[i], item_offsets[i + 1] - item_offsets[i]};
    }
    [[nodiscard]] std::byte* slot(std::uint64_t task) const noexcept {
        return results + (task - block_first) * slots_apart;
    }
};

/// In a handler: the task failed with the exception that is handled.
inline void fail_with_exception(ChunkCall& call, std::uint64_t task) {
    try {
        throw;
    } catch (std::bad_array_new_length const& error) {  // a wrong length, whatever memory there is
        call.fail(call, task, FailureCause::exception, error.what());
    } catch (std::bad_alloc const& error) {
        call.fail(call, task, FailureCause::out_of_memory, error.what());
    } catch (std::exception const& error) {
        call.fail(call, task, FailureCause::exception, error.what());
    } catch (...) {
        call.fail(call, task, FailureCause::exception, "an exception that is not derived from std::exception");
    }
}

using ChunkFunction = void (*)(ChunkCall&);
using TaskId = std::uint64_t;

/// Registers a task function before main, under a hash of its type's name and of its place in the program or library.
/// The place tells types of one name apart: lambdas and anonymous namespaces of two files have such.
TaskId register_task(char const* type_name, ChunkFunction function);

}  // namespace plenum::detail
