// Starting a program on all ranks.
#pragma once

#include <cstdint>
#include <functional>
#include <plenum/pool.hpp>
#include <string>

namespace plenum {

/// How plenum::run works. Unset fields come from PLENUM_SCHEDULE, PLENUM_CHUNK_SIZE, PLENUM_ISOLATION and
/// PLENUM_NODE_MEMORY of rank 0, as for `plenum run`.
struct RunSettings {
    std::string schedule = {};      ///< auto, static, ss, gss, tss, fac2
    std::string chunk_size = {};    ///< tasks per chunk
    std::string isolation = {};     ///< process, none
    std::string node_memory = {};   ///< "4G"
};

/// Runs `body` on rank 0 of the program, on a thread of its own, while the other ranks serve; returns its result as
/// the exit code, on every rank. Collective: each rank of an mpirun calls it, first thing in main and from the main
/// thread; without mpirun one process does everything. What the body sets in global variables is not seen by tasks:
/// executors are forked before. An exception that leaves the body is printed and ends every rank with its code.
/// `argc` and `argv` are not looked at.
int run(int argc, char** argv, std::function<int(Pool&)> const& body, RunSettings const& settings = {});
int run(int argc, char** argv, std::function<void(Pool&)> const& body, RunSettings const& settings = {});

}  // namespace plenum
