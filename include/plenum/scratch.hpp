// A folder for the files of a task, on a disk of its node.
#pragma once

#include <filesystem>

namespace plenum {

/// The scratch folder of the executor that runs the calling task; for this user only. It is made at the first call,
/// under $PLENUM_SCRATCH, else $SLURM_TMPDIR, else $TMPDIR, else /tmp, as plenum-PID-.../N. Files stay from task to
/// task of one executor, and are removed when it is renewed or dies and when the run ends, in any way but a power
/// failure or a kill of all its processes at once. With isolation none only the task's own thread may ask.
/// Cost: two system calls. Throws EnvironmentError when no folder can be made there, UsageError outside a task.
[[nodiscard]] std::filesystem::path scratch_folder();

}  // namespace plenum
