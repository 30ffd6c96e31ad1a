// What the tests of the application share: a pretended environment, and the message of a refused call.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <plenum/error.hpp>
#include <string>

#include "app/environment.hpp"

namespace plenum::app {

[[nodiscard]] inline EnvironmentLookup pretend_environment(
    std::map<std::string, std::string> variables = {}) {
    return [variables = std::move(variables)](std::string const& name) -> std::optional<std::string> {
        auto const found = variables.find(name);
        return found == variables.end() ? std::nullopt : std::optional(found->second);
    };
}

/// The message of the UsageError that `call` throws; a failed test where it throws none.
template <class Call>
[[nodiscard]] std::string refusal(Call const& call) {
    try {
        call();
    } catch (UsageError const& error) {
        EXPECT_EQ(error.exit_code(), ExitCode::usage);
        return error.what();
    }
    ADD_FAILURE() << "nothing was refused";
    return "";
}

}  // namespace plenum::app
