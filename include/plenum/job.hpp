// Jobs: named programs over the pool that `plenum run NAME` starts, and their registration.
#pragma once

#include <plenum/job_context.hpp>
#include <string>
#include <vector>

namespace plenum {

/// One option of a job, as the user sees it.
struct JobOption {
    std::string name = {};           ///< without dashes: lower-case letters, digits and '-'
    std::string placeholder = {};    ///< "FILE", "N", "RxC": what the value is; empty makes the option a flag
    std::string default_value = {};  ///< the value without the option; empty means none (a flag: off)
    std::string help = {};           ///< one sentence, with the unit
};

/// One job. `run` is called on rank 0 and returns the exit code of the program.
struct Job {
    std::string name = {};     ///< lower-case letters, digits, '-' and '_'
    std::string summary = {};  ///< one line for `plenum list`
    std::vector<JobOption> options = {};
    int (*run)(JobContext&) = nullptr;
    std::string example = {};  ///< a command line that works, for the help; may be empty
};

/// Makes the job known to `plenum run`; for initialisers of namespace-scope variables:
/// `auto const registered = plenum::add_job({.name = "convolve", ...});`
/// Name the function that `run` points to after the job: task functions are known by the names of their enclosing
/// functions, and lambdas of one signature in two functions `run` of two files end the program at its start.
/// Always true. A second job or option of the same name, a name with other characters, an option that is a
/// run option of `plenum`, or a job without `run` ends the program with a message: the mistake is in the
/// source.
bool add_job(Job job);

}  // namespace plenum
