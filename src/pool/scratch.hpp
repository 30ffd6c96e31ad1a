// Where the scratch folders of a rank's executors lie.
#pragma once

#include <filesystem>
#include <string>

namespace plenum::pool {

/// A new name for the folder that holds the scratch folders of this rank; nothing is made. Nobody can guess
/// it.
[[nodiscard]] std::filesystem::path name_scratch_of_rank();

/// Whose calls of scratch_folder() are meant.
enum class ScratchScope { process, thread };

/// From now on scratch_folder() gives `of_rank`/`executor` in this process or thread.
void use_scratch(ScratchScope scope, std::filesystem::path of_rank, std::string executor);

}  // namespace plenum::pool
