#include "app/output_lines.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace plenum::app {

void for_each_line(wire::Output const& output, std::function<void(std::string const&)> const& line) {
    auto const who = output.actor != 0 ? fmt::format("[actor {}] ", output.actor)
                     : output.tasks.count() == 1
                         ? fmt::format("[task {}] ", output.tasks.first)
                         : fmt::format("[tasks {}-{}] ", output.tasks.first, output.tasks.last - 1);
    for (std::size_t at = 0; at < output.text.size();) {
        auto const end = std::min(output.text.find('\n', at), output.text.size());
        line(who + output.text.substr(at, end - at));
        at = end + 1;
    }
}

}  // namespace plenum::app
