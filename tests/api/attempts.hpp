// Tasks that know how often they have begun, whichever process runs them.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <plenum/plenum.hpp>
#include <string>

namespace plenum::api_test {

/// Travels by value: a folder with a file for each task, which grows by a byte with each attempt.
struct AttemptFiles {
    std::array<char, 200> folder{};

    /// Number of this attempt, from 1.
    [[nodiscard]] int begin(std::uint64_t task) const {
        auto const path = std::string(folder.data()) + "/" + std::to_string(task);
        int const file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (file < 0 || ::write(file, "x", 1) != 1) std::abort();
        auto const size = ::lseek(file, 0, SEEK_END);
        ::close(file);
        return static_cast<int>(size);
    }
    [[nodiscard]] std::uint64_t attempts(std::uint64_t task) const {
        std::error_code none;
        auto const size =
            std::filesystem::file_size(std::string(folder.data()) + "/" + std::to_string(task), none);
        return none ? 0 : size;
    }
};

/// Makes the folder, and removes it at the end.
class AttemptFolder {
public:
    AttemptFolder() : path_(testing::TempDir() + "plenum-attempts-XXXXXX") {
        if (::mkdtemp(path_.data()) == nullptr) std::abort();
        path_.copy(files_.folder.data(), files_.folder.size() - 1);
    }
    AttemptFolder(AttemptFolder const&) = delete;
    AttemptFolder& operator=(AttemptFolder const&) = delete;
    ~AttemptFolder() { std::filesystem::remove_all(path_); }
    [[nodiscard]] AttemptFiles const& files() const noexcept { return files_; }

private:
    std::string path_;
    AttemptFiles files_;
};

}  // namespace plenum::api_test
