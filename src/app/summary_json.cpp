#include <nlohmann/json.hpp>

#include "app/summary.hpp"

namespace plenum::app {
namespace {

using Json = nlohmann::ordered_json;

[[nodiscard]] Json figure(std::optional<double> const& value) {
    return value ? Json(*value) : Json();
}

[[nodiscard]] Json json_of(RunSummary const& summary, RunSummary::Rank const& rank) {
    return {{"rank", rank.rank},
            {"host", rank.host},
            {"cores", rank.cores},
            {"executors", rank.executors},
            {"busy_seconds", rank.busy_seconds},
            {"busy_share", busy_share(summary, rank)},
            {"tasks", rank.tasks}};
}

/// The use of the cache.
[[nodiscard]] Json json_of(RunSummary const& summary) {
    if (cached_calls(summary) == 0) return {};
    return {{"calls", cached_calls(summary)}, {"hits", summary.cache.hits}, {"unkept", summary.cache.unkept}};
}

[[nodiscard]] Json json_of(RunSummary::Failure const& failure) {
    return {{"task", failure.task},
            {"rank", failure.rank},
            {"host", failure.host},
            {"attempt", failure.attempt},
            {"cause", name_of(failure.cause)},
            {"quarantined", failure.quarantined},
            {"message", failure.message}};
}

}  // namespace

std::string summary_json(RunSummary const& summary) {
    Json ranks = Json::array();
    for (auto const& rank : summary.ranks) ranks.push_back(json_of(summary, rank));
    Json failures = Json::array();
    for (auto const& failure : summary.failures) failures.push_back(json_of(failure));
    Json const json{{"job", summary.job},
                    {"tasks", summary.tasks},
                    {"done", summary.done},
                    {"failed", summary.failed},
                    {"not_run", summary.tasks - summary.done - summary.failed},
                    {"retried", summary.retried},
                    {"timed_out", summary.timed_out},
                    {"quarantined", summary.quarantined},
                    {"stopped", summary.stopped.empty() ? Json() : Json(summary.stopped)},
                    {"wall_seconds", summary.wall_seconds},
                    {"first_task_seconds", summary.first_task_seconds},
                    {"compute_seconds", summary.compute_seconds},
                    {"tasks_per_second", figure(tasks_per_second(summary))},
                    {"parallel_efficiency", figure(parallel_efficiency(summary))},
                    {"load_imbalance", figure(load_imbalance(summary))},
                    {"bytes_written", summary.bytes_written},
                    {"output", summary.output.empty() ? Json() : Json(summary.output)},
                    {"cache", json_of(summary)},
                    {"ranks", std::move(ranks)},
                    {"failures", std::move(failures)},
                    {"warnings", summary.warnings}};
    // A message may hold any bytes a task threw; the object stays valid JSON all the same.
    return json.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace plenum::app
