#include "io/printed_log.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace plenum::io {
namespace {

constexpr std::uint64_t most_of_a_task = 8 << 10;
constexpr std::uint64_t most_of_a_run = 16 << 20;
constexpr char const* left_out = "... (the rest is not kept)\n";

}  // namespace

PrintedLog::PrintedLog(std::vector<Printed> earlier) : entries_(std::move(earlier)) {
    for (auto const& printed : entries_) {
        bytes_[{printed.map, printed.first}] += printed.text.size();
        all_bytes_ += printed.text.size();
    }
}

Printed const* PrintedLog::add(Printed printed) {
    if (all_bytes_ >= most_of_a_run || printed.text.empty()) return nullptr;
    auto& of_task = bytes_[{printed.map, printed.first}];
    if (of_task >= most_of_a_task) return nullptr;
    if (auto const room = std::min(most_of_a_task - of_task, most_of_a_run - all_bytes_);
        printed.text.size() > room) {
        printed.text.resize(room);
        if (printed.text.back() != '\n') printed.text += '\n';
        printed.text += left_out;
    }
    of_task += printed.text.size();
    all_bytes_ += printed.text.size();
    return &entries_.emplace_back(std::move(printed));
}

std::string prefix_of(std::uint64_t first, std::uint64_t count) {
    if (count == 0) return fmt::format("[actor {}] ", first);
    if (count == 1) return fmt::format("[task {}] ", first);
    return fmt::format("[tasks {}-{}] ", first, first + count - 1);
}

std::string text_of(std::vector<Printed> const& printed) {
    std::string text;
    for (auto const& each : printed) {
        auto const prefix = prefix_of(each.first, each.count);
        for (std::size_t at = 0; at < each.text.size();) {
            auto const end = std::min(each.text.find('\n', at), each.text.size());
            text += prefix;
            text.append(each.text, at, end - at);
            text += '\n';
            at = end + 1;
        }
    }
    return text;
}

}  // namespace plenum::io
