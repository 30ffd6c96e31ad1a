// The seam through which the application reads environment variables.
#pragma once

#include <functional>
#include <optional>
#include <string>

namespace plenum::app {

/// The value of a variable, nothing when it is not set. Tests pass their own.
using EnvironmentLookup = std::function<std::optional<std::string>(std::string const& name)>;

/// The environment of this process.
[[nodiscard]] EnvironmentLookup process_environment();

}  // namespace plenum::app
