#include <fmt/format.h>
#include <plenum/error.hpp>

namespace plenum {

char const* name_of(FailureCause cause) noexcept {
    switch (cause) {
        case FailureCause::exception:
            return "exception";
        case FailureCause::crash:
            return "crash";
        case FailureCause::timeout:
            return "timeout";
        case FailureCause::out_of_memory:
            return "out of memory";
        case FailureCause::node_loss:
            return "node loss";
        case FailureCause::cancelled:
            return "cancelled";
    }
    return "unknown";
}

TaskError::TaskError(Data data)
    : Error(ExitCode::tasks_failed,
            fmt::format("task {} failed on rank {} ({}): {}", data.task, data.rank, data.host, data.message)),
      data_(std::move(data)) {}

ActorError::ActorError(Data data)
    : Error(ExitCode::tasks_failed, fmt::format("actor {} ({}) on rank {} ({}): {}", data.actor, data.type,
                                                data.rank, data.host, data.message)),
      data_(std::move(data)) {}

}  // namespace plenum
