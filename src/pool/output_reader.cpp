#include "pool/output_reader.hpp"

#include <algorithm>
#include <cstring>

namespace plenum::pool {
namespace {

std::string_view magic() {
    static constexpr OutputMark mark{};
    return {reinterpret_cast<char const*>(&mark.magic), sizeof mark.magic};
}

}  // namespace

void OutputReader::add(std::string_view bytes, std::optional<std::uint64_t> running) {
    partial_.append(bytes);
    for (;;) {
        auto const at = partial_.find(magic());
        if (at == std::string::npos || partial_.size() - at < sizeof(OutputMark)) break;
        text_.append(partial_, 0, at);
        OutputMark mark;
        std::memcpy(&mark, partial_.data() + at, sizeof mark);
        partial_.erase(0, at + sizeof mark);
        emit_lines({mark.first_task, mark.last_task + 1}, mark.batch, true);
    }
    // What may be the start of a mark stays; the rest is text of the task that runs.
    auto const start = partial_.find(magic()[0]);
    auto const text_end = start == std::string::npos ? partial_.size() : start;
    text_.append(partial_, 0, text_end);
    partial_.erase(0, text_end);
    if (partial_.size() > sizeof(OutputMark)) {  // it was not one
        text_.append(partial_);
        partial_.clear();
    }
    if (partial_.empty() && running) emit_lines({*running, *running + 1}, std::nullopt, false);
}

void OutputReader::finish(std::uint64_t task) {
    text_.append(partial_);
    partial_.clear();
    emit_lines({task, task + 1}, std::nullopt, true);
}

void OutputReader::emit_lines(wire::TaskRange tasks, std::optional<std::uint32_t> batch, bool all) {
    if (all && !text_.empty() && text_.back() != '\n') text_ += '\n';
    auto const end = text_.rfind('\n');
    if (end == std::string::npos) return;
    emit_(tasks, batch, text_.substr(0, end + 1));
    text_.erase(0, end + 1);
}

}  // namespace plenum::pool
