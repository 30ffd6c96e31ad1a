// The run behind a file name, whatever has become of it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "io/run_reader.hpp"

namespace plenum::hdf5 {

/// Which one, where a finished file and the files of a later run lie side by side.
enum class Prefer : std::uint8_t { finished, latest };

/// A published file.
[[nodiscard]] std::unique_ptr<io::RunReader> read_finished(std::string const& path);

/// `name`: a published file, its .partial, or the name that a run will give to its file. Throws
/// EnvironmentError: there is no run of that name, the file is none of Plenum's, is damaged or of a newer
/// format.
[[nodiscard]] std::unique_ptr<io::RunReader> open_run(std::string const& name, Prefer prefer);

}  // namespace plenum::hdf5
