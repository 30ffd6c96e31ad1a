// What a fuzz target gives to its main: libFuzzer's, or that of the short deterministic run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

/// Tries one input; whatever is wrong with the program ends the process.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size);

/// Inputs that mean something, to begin with.
[[nodiscard]] std::vector<std::string> fuzz_seeds();
