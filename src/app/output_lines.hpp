// What tasks printed, as lines that say who printed them.
#pragma once

#include <functional>
#include <string>

#include "wire/messages.hpp"

namespace plenum::app {

/// Calls `line` for each line of `output`: "[task 3] text" or "[tasks 3-5] text", without newline.
void for_each_line(wire::Output const& output, std::function<void(std::string const&)> const& line);

}  // namespace plenum::app
