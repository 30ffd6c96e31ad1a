// Turns what an executor wrote into whole lines with the tasks that printed them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "pool/executor.hpp"
#include "wire/messages.hpp"

namespace plenum::pool {

class OutputReader {
public:
    /// `emit` gets whole lines (one or several, each ending in a newline), the tasks they belong to and,
    /// where a mark said it, their batch.
    using Emit =
        std::function<void(wire::TaskRange tasks, std::optional<std::uint32_t> batch, std::string text)>;
    explicit OutputReader(Emit emit) : emit_(std::move(emit)) {}

    /// Bytes as they came from the pipe. `running`: the task that ran all the while they were read, which has
    /// written what no mark follows yet; its whole lines need not wait for the mark. Nothing when that is not
    /// known.
    void add(std::string_view bytes, std::optional<std::uint64_t> running);
    /// No more comes from `task`, which has ended without a mark: what is left is its own.
    void finish(std::uint64_t task);

private:
    void emit_lines(wire::TaskRange tasks, std::optional<std::uint32_t> batch, bool all);

    Emit emit_;
    std::string text_;     // not emitted yet, no marks in it
    std::string partial_;  // may be the beginning of a mark
};

}  // namespace plenum::pool
