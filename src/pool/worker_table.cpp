// The states of one executor: found in a few nanoseconds, ended without letting anything escape.
#include <algorithm>
#include <atomic>
#include <exception>
#include <plenum/detail/worker_table.hpp>
#include <utility>

namespace plenum::detail {
namespace {

constinit thread_local WorkerTable* worker_of_thread = nullptr;

/// The words for what `step` throws; empty: nothing.
template <class Step>
std::string failure_of(char const* what, Step&& step) noexcept {
    try {
        step();
        return {};
    } catch (std::exception const& error) {
        return std::string(what) + " failed: " + error.what();
    } catch (...) {
        return std::string(what) + " failed: an exception that is not derived from std::exception";
    }
}

void add_line(std::string& text, std::string const& more) {
    if (!text.empty() && !more.empty()) text += "; ";
    text += more;
}

}  // namespace

WorkerTable* this_worker() noexcept {
    return worker_of_thread;
}

void set_this_worker(WorkerTable* table) noexcept {
    worker_of_thread = table;
}

std::uint64_t next_state_id() noexcept {
    static std::atomic<std::uint64_t> last{0};
    return ++last;
}

WorkerTable::~WorkerTable() {
    for (auto const& entry : entries_) (void)failure_of("", [&] { delete entry.state; });
}

void* WorkerTable::add(std::uint64_t id, std::unique_ptr<HeldState> state) {
    entries_.push_back({id, nullptr});
    entries_.back().state = state.release();
    return find(id);
}

void* WorkerTable::look_up(std::uint64_t id) noexcept {
    auto const entry = std::ranges::find(entries_, id, &Entry::id);
    if (entry == entries_.end()) return nullptr;
    last_id_ = id;
    return last_ = entry->state->address();
}

std::optional<ExitRecord> WorkerTable::leave(std::uint64_t id) {
    auto const entry = std::ranges::find(entries_, id, &Entry::id);
    if (entry == entries_.end()) return std::nullopt;
    auto* const state = entry->state;
    entries_.erase(entry);
    last_id_ = 0;
    ExitRecord record{.where = context_, .has_value = false, .value = {}, .error = {}};
    record.error = failure_of("worker_exit", [&] { state->leave(record); });
    add_line(record.error, failure_of("the destructor of the worker state", [&] { delete state; }));
    return record;
}

void WorkerTable::leave_all(
    std::function<void(std::uint64_t id, ExitRecord const& record, bool begun)> const& push) {
    while (!entries_.empty()) {
        auto const id = entries_.back().id;
        push(id,
             {.where = context_,
              .has_value = false,
              .value = {},
              .error = "the executor ended in worker_exit (it crashed or called exit)"},
             true);
        push(id, *leave(id), false);
    }
}

}  // namespace plenum::detail
