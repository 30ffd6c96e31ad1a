#include "base/task_place.hpp"

#include <plenum/detail/refusals.hpp>
#include <plenum/error.hpp>
#include <string>

namespace plenum {
namespace {

bool task_process = false;  // set before the process has threads
thread_local bool task_thread = false;

}  // namespace

void base::mark_task_process() noexcept {
    task_process = true;
}

void base::mark_task_thread() noexcept {
    task_thread = true;
}

bool base::inside_task() noexcept {
    return task_process || task_thread;
}

void detail::refuse_inside_task(char const* what) {
    if (base::inside_task())
        throw UsageError(
            std::string(what) +
            " inside a task (the pool belongs to the body on rank 0); do it in the body before or after "
            "the map, and capture what the task needs by value");
}

}  // namespace plenum
