#include "app/output_lines.hpp"

#include <algorithm>

#include "io/printed_log.hpp"

namespace plenum::app {

void for_each_line(wire::Output const& output, std::function<void(std::string const&)> const& line) {
    auto const who = output.actor != 0 ? io::prefix_of(output.actor, 0)
                                       : io::prefix_of(output.tasks.first, output.tasks.count());
    for (std::size_t at = 0; at < output.text.size();) {
        auto const end = std::min(output.text.find('\n', at), output.text.size());
        line(who + output.text.substr(at, end - at));
        at = end + 1;
    }
}

}  // namespace plenum::app
