// Removes a folder with all that is in it.
#pragma once

#include <filesystem>

namespace plenum::base {

/// Removes `path` and, when it is a folder, everything below it, also where permissions of folders were taken
/// away. Symbolic links are removed, never followed, also when they are exchanged meanwhile. False: something
/// is left. Nothing at `path` is fine. About 10 us a file.
bool remove_tree(std::filesystem::path const& path) noexcept;

}  // namespace plenum::base
