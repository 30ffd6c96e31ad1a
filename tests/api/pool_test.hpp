// For tests that are programs of their own over the public API: the pool that their main has started.
#pragma once

#include <gtest/gtest.h>

#include <plenum/plenum.hpp>
#include <string_view>

namespace plenum::api_test {

/// One pool for all tests of the program; there while they run, on rank 0.
[[nodiscard]] Pool& pool();

/// Tasks run in processes of their own (PLENUM_ISOLATION is not none).
[[nodiscard]] bool tasks_are_isolated();

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
