// The plain C++ programs of bench/peers: what they are told, and what runs them in several processes.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

namespace bench {

/// The words "--name value" of the command line.
class Parameters {
public:
    Parameters(int count, char const* const* words);
    [[nodiscard]] std::string text(std::string const& name) const;  ///< throws when it was not given
    [[nodiscard]] std::uint64_t number(std::string const& name) const;

private:
    std::map<std::string, std::string> values_;
};

/// Forks `workers` processes, lets them begin work(k) together, and waits for all: seconds between. Throws
/// when one fails.
[[nodiscard]] double in_processes(std::uint64_t workers, std::function<void(std::uint64_t)> const& work);

/// `count` zeros that processes forked later share.
[[nodiscard]] std::uint64_t* shared_numbers(std::uint64_t count);

// Each reads its inputs, works, reports the seconds, and saves its output.
void blob_sum(Parameters const& parameters);
void classify(Parameters const& parameters);
void convolve(Parameters const& parameters);
void prefix_count(Parameters const& parameters);
void segment(Parameters const& parameters);
void square(Parameters const& parameters);

}  // namespace bench
