// Whether this code runs inside a task: what belongs to the body or to the rank's process is refused there.
#pragma once

namespace plenum::base {

/// This process runs nothing but tasks from now on, and so do its children.
void mark_task_process() noexcept;

/// This thread runs nothing but tasks from now on.
void mark_task_thread() noexcept;

/// Any thread; a few ns.
[[nodiscard]] bool inside_task() noexcept;

}  // namespace plenum::base
