// For tests that are programs of their own over the public API: the pool that their main has started.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <plenum/plenum.hpp>
#include <string_view>

namespace plenum::api_test {

/// One pool for all tests of the program; there while they run, on rank 0.
[[nodiscard]] Pool& pool();

/// Tasks run in processes of their own (PLENUM_ISOLATION is not none).
[[nodiscard]] bool tasks_are_isolated();

/// What limits of time are multiplied by: 1, more with sanitizers, where a crash alone may take a second to
/// report.
[[nodiscard]] inline double patience() {
    auto const* const factor = std::getenv("PLENUM_TEST_PATIENCE");
    return factor == nullptr ? 1 : std::atof(factor);
}

/// `text` holds `part`; otherwise the message shows both.
[[nodiscard]] inline testing::AssertionResult contains(std::string_view text, std::string_view part) {
    if (text.find(part) != std::string_view::npos) return testing::AssertionSuccess();
    return testing::AssertionFailure() << '"' << text << "\" does not contain \"" << part << '"';
}

/// The message of the E that `call` throws; fails the test and gives "" when it throws nothing.
template <class E, class Call>
[[nodiscard]] std::string message_of(Call&& call) {
    try {
        call();
    } catch (E const& error) {
        return error.what();
    }
    ADD_FAILURE() << "nothing was thrown";
    return {};
}

}  // namespace plenum::api_test
