#include "pool/scratch.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <plenum/error.hpp>
#include <plenum/scratch.hpp>
#include <random>

namespace plenum {
namespace {

struct Scratch {
    std::filesystem::path of_rank, folder;
};
Scratch process_scratch;
thread_local Scratch thread_scratch;

/// A folder that is there already is ours: nobody else knows its name.
bool make(std::filesystem::path const& folder) {
    return ::mkdir(folder.c_str(), S_IRWXU) == 0 || errno == EEXIST;
}

}  // namespace

namespace pool {

std::filesystem::path name_scratch_of_rank() {
    std::filesystem::path root = "/tmp";
    for (auto const* const variable : {"PLENUM_SCRATCH", "SLURM_TMPDIR", "TMPDIR"})
        if (auto const* const value = std::getenv(variable); value != nullptr && *value != 0) {
            root = std::filesystem::absolute(value);  // a task may change its folder
            break;
        }
    std::random_device random;
    return root / fmt::format("plenum-{}-{:08x}{:08x}", ::getpid(), random(), random());
}

void use_scratch(ScratchScope scope, std::filesystem::path of_rank, std::string executor) {
    auto& scratch = scope == ScratchScope::process ? process_scratch : thread_scratch;
    scratch.folder = of_rank / executor;
    scratch.of_rank = std::move(of_rank);
}

}  // namespace pool

std::filesystem::path scratch_folder() {
    auto const& scratch = thread_scratch.folder.empty() ? process_scratch : thread_scratch;
    if (scratch.folder.empty())
        throw UsageError("scratch_folder() was called outside a task; call it in the task function");
    if (!make(scratch.of_rank) || !make(scratch.folder))
        throw EnvironmentError(fmt::format(
            "cannot make a scratch folder in {} ({}); set PLENUM_SCRATCH to a folder that every node can "
            "write to",
            scratch.of_rank.parent_path().string(), std::strerror(errno)));
    return scratch.folder;
}

}  // namespace plenum
