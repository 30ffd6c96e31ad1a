// The options that every job of bench_peers has: where the inputs are, how much to do, where the output goes.
#pragma once

#include <initializer_list>
#include <plenum/job.hpp>
#include <string>
#include <vector>

namespace bench {

/// The common ones and `more`, which the workload's parameters name.
[[nodiscard]] inline std::vector<plenum::JobOption> peer_options(std::initializer_list<char const*> more) {
    std::vector<plenum::JobOption> options{
        {.name = "folder", .placeholder = "FOLDER", .default_value = ".", .help = "where the inputs are"},
        {.name = "save", .placeholder = "FILE", .default_value = "output", .help = "where the output goes"},
        {.name = "items", .placeholder = "N", .default_value = "1", .help = "how much to do"},
        {.name = "workers", .placeholder = "N", .default_value = "1", .help = "executors"}};
    for (auto const* const name : more)
        options.push_back(
            {.name = name, .placeholder = "VALUE", .default_value = "1", .help = "of the workload"});
    return options;
}

}  // namespace bench
