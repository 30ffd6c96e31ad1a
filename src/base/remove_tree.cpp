#include "base/remove_tree.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <string_view>

#include "base/unique_fd.hpp"

namespace plenum::base {
namespace {

struct CloseDirectory {
    void operator()(DIR* directory) const noexcept { ::closedir(directory); }
};

bool remove_at(int parent, char const* name) noexcept;

/// Everything in the folder, but not the folder.
void empty_folder(UniqueFd folder) noexcept {
    std::unique_ptr<DIR, CloseDirectory> const entries(::fdopendir(folder.get()));
    if (!entries) return;
    [[maybe_unused]] auto const owned = folder.release();
    while (auto const* const entry = ::readdir(entries.get())) {
        std::string_view const name = entry->d_name;
        if (name != "." && name != "..") (void)remove_at(::dirfd(entries.get()), entry->d_name);
    }
}

bool remove_at(int parent, char const* name) noexcept {
    if (::unlinkat(parent, name, 0) == 0 || errno == ENOENT) return true;
    if (errno != EISDIR && errno != EPERM) return false;
    UniqueFd const folder(::openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!folder) return false;
    // A task may have taken rights away from its folders. This name stands for the folder that is open.
    std::array<char, 32> self{};
    std::snprintf(self.data(), self.size(), "/proc/self/fd/%d", folder.get());
    ::chmod(self.data(), S_IRWXU);
    empty_folder(UniqueFd(::open(self.data(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)));
    return ::unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT;
}

}  // namespace

bool remove_tree(std::filesystem::path const& path) noexcept {
    return remove_at(AT_FDCWD, path.c_str());
}

}  // namespace plenum::base
