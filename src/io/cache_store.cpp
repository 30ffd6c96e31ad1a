#include "io/cache_store.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <plenum/error.hpp>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "base/clock.hpp"

namespace plenum::io {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view shared_name = "results.plenum-cache";
constexpr std::string_view own_prefix = "results-";
constexpr std::string_view suffix = ".plenum-cache";
constexpr double patience_seconds = 60;               // for a lock: a large value may take long to write
constexpr std::int64_t coarse_clock_ns = 50'000'000;  // changes closer together may have one time stamp

std::int64_t now_ns() {
    return std::chrono::nanoseconds(std::chrono::system_clock::now().time_since_epoch()).count();
}

/// Lets the lock go.
class Unlock {
public:
    explicit Unlock(int fd) noexcept : fd_(fd) {}
    Unlock(Unlock const&) = delete;
    Unlock& operator=(Unlock const&) = delete;
    Unlock(Unlock&&) = delete;
    Unlock& operator=(Unlock&&) = delete;
    ~Unlock() {
        struct flock range {};
        range.l_type = F_UNLCK;
        ::fcntl(fd_, F_OFD_SETLK, &range);
    }

private:
    int fd_;
};

std::string cannot_write(std::string const& path, int error) {
    return fmt::format("{}: cannot be written ({})", path, std::strerror(error));
}

std::string host_name() {
    std::array<char, 256> name{};
    if (::gethostname(name.data(), name.size() - 1) != 0) return "host";
    return name.data();
}

}  // namespace

CacheStore::CacheStore(std::string folder, Locks locks)
    : folder_(std::move(folder)), locks_(locks), process_(::getpid()) {}

void CacheStore::look() {
    if (auto const process = ::getpid(); process != process_) {
        process_ = process;
        files_.clear();
        own_.clear();
        folder_changed_ = {};
    }
    look_for_files();
    std::erase_if(files_, [](auto& entry) {
        auto& file = *entry.second;
        return !file.follow() && (file.open(false) != 0 || !file.follow());
    });
}

void CacheStore::look_for_files() {
    struct stat status {};
    if (::stat(folder_.c_str(), &status) != 0) return;
    auto const changed = status.st_mtim;
    if (changed.tv_sec == folder_changed_.tv_sec && changed.tv_nsec == folder_changed_.tv_nsec) return;
    std::error_code error;
    for (std::filesystem::directory_iterator entry(folder_, error), end; !error && entry != end;
         entry.increment(error)) {
        auto const path = entry->path().string();
        auto const name = std::string_view(path).substr(path.rfind('/') + 1);
        if (name != shared_name && !(name.starts_with(own_prefix) && name.ends_with(suffix))) continue;
        auto& file = files_[path];
        if (!file) file = std::make_unique<CacheFile>(path);
    }
    bool const settled = now_ns() - changed.tv_sec * 1'000'000'000 - changed.tv_nsec > coarse_clock_ns;
    folder_changed_ = settled && !error ? changed : timespec{};
}

std::optional<Bytes> CacheStore::find(base::Digest const& key) {
    std::lock_guard const guard(mutex_);
    look();
    for (auto& [path, file] : files_)
        if (auto value = file->find(key)) return value;
    return std::nullopt;
}

CacheStore::Lock CacheStore::lock_shared(std::string& problem) {
    if (locks_ == Locks::never) return Lock::refused;
    auto const path = fmt::format("{}/{}", folder_, shared_name);
    auto& file = files_[path];
    if (!file) file = std::make_unique<CacheFile>(path);
    auto const start = base::now_ns();
    for (auto nap = 20us;; nap = std::min<std::chrono::microseconds>(2 * nap, 5ms)) {
        if (!file->is_open() || !file->writable() || file->is_replaced()) {
            auto error = file->open(true);
            if (error == ENOENT) {  // the folder is gone
                std::error_code ignored;
                std::filesystem::create_directories(folder_, ignored);
                error = file->open(true);
            }
            if (error == 0 && !file->writable()) error = EACCES;
            if (error != 0) {
                problem = cannot_write(path, error);
                return Lock::unusable;
            }
        }
        struct flock range {};
        range.l_type = F_WRLCK;
        if (::fcntl(file->fd(), F_OFD_SETLK, &range) == 0) {
            if (file->is_replaced()) continue;  // cleared away while this process waited; open() lets go
            return Lock::held;
        }
        if (errno != EAGAIN && errno != EACCES && errno != EINTR) return Lock::refused;
        if (base::seconds_since(start) > patience_seconds) {
            problem = fmt::format("{}: another process has held its lock for {} s", path, patience_seconds);
            return Lock::unusable;
        }
        std::this_thread::sleep_for(nap);
    }
}

std::string CacheStore::open_own(CacheFile*& own) {
    if (auto const found = files_.find(own_); found != files_.end() && !found->second->is_replaced()) {
        own = found->second.get();
        return {};
    }
    for (int number = 0;; ++number) {
        auto const path =
            fmt::format("{}/{}{}-{}-{}{}", folder_, own_prefix, host_name(), process_, number, suffix);
        base::UniqueFd const made(::open(path.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0666));
        if (!made && errno == EEXIST) continue;
        if (!made) return cannot_write(path, errno);
        auto file = std::make_unique<CacheFile>(path);
        auto const error = file->open(false);
        if (error == ENOENT) continue;  // somebody clears the folder away at this moment
        if (error != 0) return cannot_write(path, error);
        own_ = path;
        own = (files_[path] = std::move(file)).get();
        return {};
    }
}

std::string CacheStore::keep(base::Digest const& key, std::uint64_t name, ByteView value) {
    std::lock_guard const guard(mutex_);
    look();
    CacheFile* file = nullptr;
    std::optional<Unlock> unlock;
    std::string problem;
    switch (lock_shared(problem)) {
        case Lock::unusable:
            return problem;
        case Lock::held:
            file = files_[fmt::format("{}/{}", folder_, shared_name)].get();
            unlock.emplace(file->fd());
            break;
        case Lock::refused:
            locks_ = Locks::never;
            if (problem = open_own(file); !problem.empty()) return problem;
    }
    file->find_end();
    if (file->is_newer())
        return fmt::format("{}: cannot be written (a newer version of Plenum made it)", file->path());
    if (file->find(key)) return {};  // another process has kept it meanwhile
    CacheRecord record{};
    record.written_ns = now_ns();
    record.name = name;
    record.key = key;
    auto const error = file->append(record, value);
    return error == 0 ? "" : cannot_write(file->path(), error);
}

std::vector<CacheStore::Kept> CacheStore::every_result() const {
    std::map<base::Digest, Kept> newest;
    for (auto const& [path, file] : files_)
        file->each([&](CacheRecord const& record, std::uint64_t offset) {
            auto& kept = newest[record.key];
            if (kept.file == nullptr || kept.record.written_ns <= record.written_ns)
                kept = {.file = file.get(), .record = record, .offset = offset};
        });
    std::vector<Kept> all;
    for (auto& [key, kept] : newest) all.push_back(kept);
    std::ranges::stable_sort(all, {}, [](Kept const& kept) { return kept.record.written_ns; });
    return all;
}

void CacheStore::write_anew(std::vector<Kept> const& results, std::string const& path) const {
    ::unlink(path.c_str());  // of one who died while doing this
    CacheFile file(path);
    auto error = file.open(true);
    for (auto const& kept : results) {
        if (error != 0) break;
        if (auto const value = kept.file->value_of(kept.record, kept.offset))
            error = file.append(kept.record, *value);
    }
    if (error == 0 && ::fdatasync(file.fd()) != 0) error = errno;
    if (error == 0) return;
    ::unlink(path.c_str());
    throw EnvironmentError(cannot_write(path, error) + "; make room or choose another folder for the cache");
}

template <class Choose>
std::uint64_t CacheStore::rewrite(Choose const& choose) {
    std::lock_guard const guard(mutex_);
    look();
    std::string problem;
    auto const lock = lock_shared(problem);
    if (lock == Lock::unusable)
        throw EnvironmentError(problem + "; change its permissions or choose another folder for the cache");
    auto path = fmt::format("{}/{}", folder_, shared_name);
    std::optional<Unlock> unlock;
    if (lock == Lock::held) {
        unlock.emplace(files_[path]->fd());
    } else {
        CacheFile* own = nullptr;
        if (problem = open_own(own); !problem.empty())
            throw EnvironmentError(problem +
                                   "; change its permissions or choose another folder for the cache");
        path = own_;
    }
    std::uint64_t bytes = 0;
    for (auto const& [other, file] : files_) {
        file->find_end();
        if (file->is_newer())
            throw EnvironmentError(fmt::format(
                "{}: cannot be reduced (a newer version of Plenum made it); use that version", other));
        bytes += file->size();
    }
    auto results = every_result();
    auto const before = results.size();
    choose(results);
    std::uint64_t needed = sizeof(CacheFileHead);
    for (auto const& kept : results) needed += kept.record.total();
    if (results.size() == before && files_.size() == 1 && bytes <= needed) return 0;

    write_anew(results, path + ".new");
    if (::rename((path + ".new").c_str(), path.c_str()) != 0) {
        auto const error = errno;
        ::unlink((path + ".new").c_str());
        throw EnvironmentError(cannot_write(path, error) + "; check the permissions of the folder");
    }
    for (auto const& [other, file] : files_)
        if (other != path) ::unlink(other.c_str());
    unlock.reset();
    files_.clear();
    folder_changed_ = {};
    return before - results.size();
}

std::uint64_t CacheStore::remove_all() {
    return rewrite([](std::vector<Kept>& results) { results.clear(); });
}

std::uint64_t CacheStore::remove(std::uint64_t name) {
    return rewrite([&](std::vector<Kept>& results) {
        std::erase_if(results, [&](Kept const& kept) { return kept.record.name == name; });
    });
}

std::uint64_t CacheStore::reduce(CacheLimits const& limits) {
    return rewrite([&](std::vector<Kept>& results) {
        if (limits.age) {
            auto const most_seconds = limits.age->count();
            std::erase_if(results, [most_seconds, now = now_ns()](Kept const& kept) {
                return (now - kept.record.written_ns) / 1'000'000'000 >= most_seconds;
            });
        }
        // The newest that fit.
        auto first = results.end();
        std::uint64_t bytes = sizeof(CacheFileHead), items = 0;
        while (first != results.begin()) {
            auto const& candidate = *std::prev(first);
            bytes += candidate.record.total();
            ++items;
            if ((limits.bytes && bytes > *limits.bytes) || (limits.items && items > *limits.items)) break;
            --first;
        }
        results.erase(results.begin(), first);
    });
}

}  // namespace plenum::io
