// The states that one executor keeps between tasks, without their types.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <plenum/worker_context.hpp>
#include <string>
#include <vector>

namespace plenum::detail {

/// How a state ended on one executor.
struct ExitRecord {
    WorkerContext where;
    bool has_value = false;
    std::string value;  ///< what worker_exit returned, encoded
    std::string error;  ///< empty: all went well

    template <class Archive>
    void serialize(Archive& archive) {
        archive(where, has_value, value, error);
    }
};

/// A state and its worker_exit. A destructor of the user's may throw, and is asked to where that can be caught.
class HeldState {
public:
    HeldState() = default;
    HeldState(HeldState const&) = delete;
    HeldState& operator=(HeldState const&) = delete;
    virtual ~HeldState() noexcept(false) = default;
    [[nodiscard]] virtual void* address() noexcept = 0;
    /// Runs worker_exit, and notes what it returns. May throw what worker_exit throws.
    virtual void leave(ExitRecord& record) = 0;
};

/// One for each executor; for the thread that runs its tasks.
class WorkerTable {
public:
    explicit WorkerTable(WorkerContext context) : context_(std::move(context)) {}
    WorkerTable(WorkerTable const&) = delete;
    WorkerTable& operator=(WorkerTable const&) = delete;
    WorkerTable(WorkerTable&&) = delete;
    WorkerTable& operator=(WorkerTable&&) = delete;
    /// Destroys the states without their worker_exit.
    ~WorkerTable();

    [[nodiscard]] WorkerContext const& context() const noexcept { return context_; }
    /// The state of that id, or null. A few nanoseconds when it is the one that was asked for before.
    [[nodiscard]] void* find(std::uint64_t id) noexcept { return id == last_id_ ? last_ : look_up(id); }
    /// Keeps `state` under an id that has none.
    void* add(std::uint64_t id, std::unique_ptr<HeldState> state);
    /// Ends the state of that id, if there is one: worker_exit, then its destructor. Throws nothing.
    [[nodiscard]] std::optional<ExitRecord> leave(std::uint64_t id);
    /// Ends all states. `push` gets for each state a record that says that its end has begun, which counts when
    /// nothing follows because the executor crashed in it, and then how it ended.
    void leave_all(std::function<void(std::uint64_t id, ExitRecord const& record, bool begun)> const& push);

private:
    struct Entry {
        std::uint64_t id;
        HeldState* state;  // owned; a smart pointer cannot hand on what the destructor throws
    };
    [[nodiscard]] void* look_up(std::uint64_t id) noexcept;

    WorkerContext context_;
    std::vector<Entry> entries_;
    std::uint64_t last_id_ = 0;  // ids begin at 1
    void* last_ = nullptr;
};

/// The table of the executor that this thread is; null on any other thread.
[[nodiscard]] WorkerTable* this_worker() noexcept;
void set_this_worker(WorkerTable* table) noexcept;

/// A new id for a state; on rank 0.
[[nodiscard]] std::uint64_t next_state_id() noexcept;

}  // namespace plenum::detail
