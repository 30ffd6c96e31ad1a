// Start of the library, its lock, its errors as exceptions.
#include "hdf5/library.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <string>
#include <string_view>
#include <type_traits>

#include "hdf5/file.hpp"

namespace plenum::hdf5 {

static_assert(!std::is_copy_constructible_v<Handle> && std::is_nothrow_move_constructible_v<Handle>);
static_assert(!std::is_move_constructible_v<File>, "the lock belongs to the thread and its scope");

namespace {

std::recursive_mutex& library_mutex() {
    static std::recursive_mutex mutex;
    return mutex;
}

herr_t take_first(unsigned /*level*/, H5E_error2_t const* error, void* data) noexcept {
    *static_cast<char const**>(data) = error->desc;
    return 1;  // stops the walk
}

// System errors come with time, file name and buffer address; only the words of errno help.
std::string_view without_details(std::string_view text) {
    static constexpr std::string_view key = "error message = '";
    auto const begin = text.find(key);
    if (begin == std::string_view::npos)
        return text.substr(0, text.find(": eof = "));  // "truncated file: ..."
    text.remove_prefix(begin + key.size());
    return text.substr(0, text.find('\''));
}

Handle file_access() {
    auto list = call::p_create(H5P_FILE_ACCESS);
    // A close that leaves objects open must fail: the file would stay open behind our back.
    call::p_set_fclose_degree(list, H5F_CLOSE_SEMI);
    call::p_set_file_locking(list, /*use=*/false, /*ignore_when_disabled=*/true);
    // Results begin on a page of their own: no page of theirs is written twice.
    call::p_set_alignment(list, 65536, 4096);
    return list;
}

}  // namespace

void open_library() {
    LibraryLock const lock;
    // HDF5 reads the variable once, with the first call about files, and it overrides what file_access() says: a reader that looks at a
    // partial file must not be able to stop the run.
    constexpr auto const* name = "HDF5_USE_FILE_LOCKING";
    auto const* const found = std::getenv(name);
    std::string const before(found == nullptr ? "" : found);
    if (found != nullptr) ::unsetenv(name);
    auto const status = H5open();
    auto const files = H5Fget_obj_count(H5F_OBJ_ALL, H5F_OBJ_FILE);
    if (found != nullptr) ::setenv(name, before.c_str(), 1);
    checked(status, "H5open");
    checked(files, "H5Fget_obj_count");
}

void throw_call_error(char const* function) {
    char const* reason = nullptr;
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, take_first, static_cast<void*>(&reason));
    std::string const text(reason == nullptr ? "no reason given" : without_details(reason));
    H5Eclear2(H5E_DEFAULT);
    throw CallError(fmt::format("{}: {}", function, text));
}

LibraryLock::LibraryLock() : lock_(library_mutex()) {
    // After a close that failed, HDF5 1.10 crashes in its own clean-up at the end of the program. Files are
    // closed here in any case, so there is nothing to clean up. No effect if the program has called HDF5
    // before.
    [[maybe_unused]] static auto const no_clean_up = H5dont_atexit();
    H5Eget_auto2(H5E_DEFAULT, &printer_, &printer_data_);
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}

LibraryLock::~LibraryLock() {
    H5Eset_auto2(H5E_DEFAULT, printer_, printer_data_);
}

File::File(std::string const& path, FileMode mode) {
    auto const access = file_access();
    switch (mode) {
        case FileMode::create:
            handle_ = call::f_create(path.c_str(), access);
            break;
        case FileMode::update:
            handle_ = call::f_open(path.c_str(), H5F_ACC_RDWR, access);
            break;
        case FileMode::read:
            handle_ = call::f_open(path.c_str(), H5F_ACC_RDONLY, access);
            break;
    }
}

}  // namespace plenum::hdf5
