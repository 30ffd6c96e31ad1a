// Tasks of all ranks of a machine that count how many of them run at the same time.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <plenum/plenum.hpp>
#include <stdexcept>
#include <string>
#include <thread>

namespace plenum::api_test {

/// Executors of each rank, as the environment has set them for all.
[[nodiscard]] inline std::uint64_t executors_per_rank() {
    auto const* const text = std::getenv("PLENUM_EXECUTORS");
    return text == nullptr ? 1 : std::strtoul(text, nullptr, 10);
}

/// Counters that all processes of the machine see, in a file; zero at first.
struct Counters {
    std::atomic<std::uint64_t> here, most, all;
};

class CounterFile {
public:
    CounterFile() : path_(testing::TempDir() + "plenum-counters-XXXXXX") {
        int const file = ::mkstemp(path_.data());
        if (file < 0 || ::ftruncate(file, sizeof(Counters)) != 0)
            throw std::runtime_error("cannot make " + path_);
        ::close(file);
    }
    CounterFile(CounterFile const&) = delete;
    CounterFile& operator=(CounterFile const&) = delete;
    ~CounterFile() { ::unlink(path_.c_str()); }
    [[nodiscard]] std::string const& path() const { return path_; }

private:
    std::string path_;
};

/// The counters while they are looked at.
class MappedCounters {
public:
    explicit MappedCounters(std::string const& path) {
        int const file = ::open(path.c_str(), O_RDWR);
        if (file < 0) throw std::runtime_error("cannot open " + path);
        memory_ = ::mmap(nullptr, sizeof(Counters), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        ::close(file);
        if (memory_ == MAP_FAILED) throw std::runtime_error("cannot map " + path);
    }
    MappedCounters(MappedCounters const&) = delete;
    MappedCounters& operator=(MappedCounters const&) = delete;
    ~MappedCounters() { ::munmap(memory_, sizeof(Counters)); }
    Counters* operator->() const { return static_cast<Counters*>(memory_); }

private:
    void* memory_;
};

/// Waits until `wanted` tasks have come; throws after a minute.
struct Meeting {
    std::string path;
    std::uint64_t wanted = 0;
    template <class Archive>
    void serialize(Archive& archive) {
        archive(path, wanted);
    }
    void wait() const {
        MappedCounters const counters(path);
        ++counters->all;
        auto const end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
        while (counters->all < wanted)
            if (std::this_thread::sleep_for(std::chrono::milliseconds(1));
                std::chrono::steady_clock::now() > end)
                throw std::runtime_error("only " + std::to_string(counters->all) + " tasks run at once");
    }
};

}  // namespace plenum::api_test
