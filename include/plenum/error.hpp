// The exceptions of Plenum: problem (why), what to do; typed, with data.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

namespace plenum {

/// Process exit codes, the same on every rank.
enum class ExitCode : int {
    done = 0,          ///< all tasks done
    usage = 2,         ///< the command line or a call is wrong
    environment = 3,   ///< input files, memory, disk or MPI
    tasks_failed = 4,  ///< finished, but some tasks failed
    incomplete = 75,   ///< stopped before the end, or a wait did
};

/// Base of all errors that Plenum throws. `what()` is one line: the problem, in brackets why, then the way out.
class Error : public std::runtime_error {
public:
    Error(ExitCode code, std::string const& message) : std::runtime_error(message), code_(code) {}
    /// The exit code of a program that ends because of this error.
    [[nodiscard]] ExitCode exit_code() const noexcept { return code_; }

private:
    ExitCode code_;
};

/// A wrong option, argument or use of the API (exit code 2).
class UsageError : public Error {
public:
    explicit UsageError(std::string const& message) : Error(ExitCode::usage, message) {}
};

/// Something outside the program is missing or broken: a file, memory, the disk, MPI (exit code 3).
class EnvironmentError : public Error {
public:
    explicit EnvironmentError(std::string const& message) : Error(ExitCode::environment, message) {}
};

/// A wait took longer than the caller allowed; what was waited for goes on.
class TimeoutError : public Error {
public:
    explicit TimeoutError(std::string const& message) : Error(ExitCode::incomplete, message) {}
};

/// The result was asked for of something that had been cancelled.
class CancelledError : public Error {
public:
    explicit CancelledError(std::string const& message) : Error(ExitCode::incomplete, message) {}
};

/// The run ends before its tasks do: its time is over, it was asked to (SIGUSR1), or too many tasks have failed. Thrown
/// by whatever waits for tasks that will not run. Let it leave the body: the program then ends with exit code 75.
class StoppedError : public Error {
public:
    explicit StoppedError(std::string const& message) : Error(ExitCode::incomplete, message) {}
};

/// Why a task has no result.
enum class FailureCause : std::uint8_t {
    exception = 1,
    crash = 2,
    timeout = 3,
    out_of_memory = 4,
    node_loss = 5,
    cancelled = 6,  ///< it never ran
};

/// The word for a cause as it stands in messages and in the result file.
[[nodiscard]] char const* name_of(FailureCause cause) noexcept;

/// A task failed. The message names task, rank, host and reason.
class TaskError : public Error {
public:
    struct Data {
        std::uint64_t task = 0;  ///< index of the task in its map
        int rank = 0;            ///< rank whose executor ran it
        std::string host;        ///< host of that rank
        int attempt = 1;         ///< which attempt failed, from 1
        FailureCause cause = FailureCause::exception;
        std::string message;  ///< what() of the exception, or a description of the crash
    };
    explicit TaskError(Data data);
    [[nodiscard]] Data const& data() const noexcept { return data_; }

private:
    Data data_;
};

/// A call to an actor failed, or the actor is gone. The message names actor, type, rank, host and reason.
class ActorError : public Error {
public:
    struct Data {
        std::uint64_t actor = 0;  ///< number of the actor in this run, from 1
        std::string type;         ///< of the actor's object
        int rank = 0;             ///< where it lives
        std::string host;         ///< host of that rank
        FailureCause cause = FailureCause::exception;
        std::string message;  ///< what() of the exception, or what happened to the actor
        template <class Archive>
        void serialize(Archive& archive) {
            archive(actor, type, rank, host, cause, message);
        }
    };
    explicit ActorError(Data data);
    [[nodiscard]] Data const& data() const noexcept { return data_; }

private:
    Data data_;
};

}  // namespace plenum
