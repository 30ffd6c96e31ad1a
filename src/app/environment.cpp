#include "app/environment.hpp"

#include <cstdlib>

namespace plenum::app {

EnvironmentLookup process_environment() {
    return [](std::string const& name) -> std::optional<std::string> {
        if (char const* value = std::getenv(name.c_str())) return value;
        return std::nullopt;
    };
}

}  // namespace plenum::app
