// Tasks for tests of the engine. Each counts its starts in node memory; what it has to give is known without
// it.
#pragma once

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdint>
#include <optional>
#include <plenum/detail/batch_request.hpp>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/clock.hpp"

namespace plenum::pool::test {

/// Counts starts of tasks: one byte for each, in node memory.
struct StartCounts {
    std::uint64_t offset = 0;

    void note(std::uint64_t task) const { at(task).fetch_add(1, std::memory_order_relaxed); }
    [[nodiscard]] unsigned of(std::uint64_t task) const { return at(task).load(std::memory_order_relaxed); }

private:
    [[nodiscard]] std::atomic_ref<std::uint8_t> at(std::uint64_t task) const {
        return std::atomic_ref(*reinterpret_cast<std::uint8_t*>(detail::node_base() + offset + task));
    }
};

/// Where the last task of a chunk stops its own process when the test has asked for that.
struct StopPoint {
    std::uint64_t offset = 0;       ///< of a word of node memory: the process, 0 for none
    std::uint64_t last_offset = 0;  ///< of the end of that process's chunk

    void pass(std::uint64_t task) const {
        if (offset == 0) return;
        auto const wanted = word().load(std::memory_order_relaxed);
        if (wanted == 0 || wanted != ::getpid()) return;
        auto& last = *reinterpret_cast<std::uint64_t*>(detail::node_base() + last_offset);
        if (std::atomic_ref(last).load(std::memory_order_relaxed) != task + 1) return;
        word().store(0, std::memory_order_relaxed);
        ::raise(SIGSTOP);
    }
    void ask(pid_t pid) const { word().store(pid, std::memory_order_relaxed); }

private:
    [[nodiscard]] std::atomic_ref<pid_t> word() const {
        return std::atomic_ref(*reinterpret_cast<pid_t*>(detail::node_base() + offset));
    }
};

inline bool unwanted(std::uint64_t task) {
    return task % 97 == 13;
}
inline std::string refusal(std::uint64_t task) {
    return "task " + std::to_string(task) + " is unwanted";
}

inline void spin(std::uint64_t ns) {
    if (ns == 0) return;
    for (auto const end = base::now_ns() + ns; base::now_ns() < end;) {
    }
}

/// Result of fixed size. Throws for unwanted tasks; lasts 0 to 7 times `unit_ns`.
struct FixedTask {
    StartCounts starts;
    std::uint64_t unit_ns = 0;
    StopPoint stop{};
    std::uint64_t operator()(std::uint64_t task) const {
        starts.note(task);
        spin(task * 7919 % 8 * unit_ns);
        if (unwanted(task)) throw std::runtime_error(refusal(task));
        stop.pass(task);
        return expected(task);
    }
    static std::uint64_t expected(std::uint64_t task) { return task * task + 1; }
};

/// Result of varying length, also none at all.
struct RaggedTask {
    StartCounts starts;
    std::uint64_t unit_ns = 0;
    StopPoint stop{};
    std::uint64_t longest = 40;  ///< elements
    std::vector<std::uint32_t> operator()(std::uint64_t task) const {
        starts.note(task);
        spin(task * 7919 % 8 * unit_ns);
        if (unwanted(task)) throw std::runtime_error(refusal(task));
        stop.pass(task);
        return expected(task, longest);
    }
    static std::vector<std::uint32_t> expected(std::uint64_t task, std::uint64_t longest) {
        return std::vector<std::uint32_t>(task * 31 % (longest + 1), static_cast<std::uint32_t>(task));
    }
};

/// Writes into its slot.
struct InPlaceTask {
    StartCounts starts;
    void operator()(std::uint64_t task, std::span<double> out) const {
        starts.note(task);
        for (std::size_t i = 0; i < out.size(); ++i) out[i] = expected(task, i);
    }
    static double expected(std::uint64_t task, std::size_t i) {
        return static_cast<double>(task) + 0.25 * static_cast<double>(i);
    }
};

/// Waits until a word of node memory is set.
struct GatedTask {
    StartCounts starts;
    std::uint64_t gate_offset = 0;
    std::uint64_t operator()(std::uint64_t task) const {
        starts.note(task);
        while (gate(gate_offset).load(std::memory_order_acquire) == 0) ::usleep(1000);
        return FixedTask::expected(task);
    }
    static std::atomic_ref<std::uint32_t> gate(std::uint64_t offset) {
        return std::atomic_ref(*reinterpret_cast<std::uint32_t*>(detail::node_base() + offset));
    }
};

struct Reading {
    std::uint64_t number;
    double value;
};

/// Items of fixed size.
struct ItemTask {
    StartCounts starts;
    std::uint64_t unit_ns = 0;
    StopPoint stop{};
    double operator()(Reading const& reading) const {
        starts.note(reading.number);
        spin(reading.number * 7919 % 8 * unit_ns);
        stop.pass(reading.number);
        return 2 * reading.value;
    }
};

/// Items and results of varying size, through cereal. The first word of the item is the number of the task.
struct TextTask {
    StartCounts starts;
    std::vector<std::string> operator()(std::string const& text) const {
        starts.note(std::stoull(text));
        return expected(text);
    }
    static std::vector<std::string> expected(std::string const& text) { return {text, "", text + "!"}; }
};

template <class T>
[[nodiscard]] Bytes bytes_of(std::vector<T> const& values) {
    auto const view = std::as_bytes(std::span(values));
    return {view.begin(), view.end()};
}

}  // namespace plenum::pool::test
