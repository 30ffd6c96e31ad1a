#include "app/single_task.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <plenum/error.hpp>
#include <plenum/option_value.hpp>
#include <vector>

#include "app/element_text.hpp"
#include "app/terminal.hpp"
#include "base/clock.hpp"
#include "base/units.hpp"
#include "pool/batch_sink.hpp"

namespace plenum::app {
namespace {

std::uint64_t number_in(std::string const& only) {
    return parse_option<std::uint64_t>(only.substr(only.rfind(':') + 1), "--only");
}

/// Keeps the one result.
class SingleSink final : public pool::BatchSink {
public:
    void take(wire::BlockResults results) override {
        failures.insert(failures.end(), results.failures.begin(), results.failures.end());
        auto const bytes = results.payload.bytes;
        result.insert(result.end(), bytes.begin(), bytes.end());
    }
    void finish(std::function<void(std::exception_ptr)> done) override { done(nullptr); }

    std::vector<wire::Failure> failures;
    std::vector<std::byte> result;
};

}  // namespace

bool is_in_map(std::string const& only, std::string const& map, std::uint64_t tasks) {
    auto const colon = only.rfind(':');
    return (colon == std::string::npos || only.substr(0, colon) == map) && number_in(only) < tasks;
}

int run_single_task(pool::Engine& engine, detail::ResultMap const& map, detail::BatchRequest request,
                    std::string const& only) {
    auto const task = number_in(only);
    auto const sink = std::make_shared<SingleSink>();
    auto const work = std::make_shared<pool::Host::Work>();
    if (task > 0) work->settled.push_back({0, task});
    if (task + 1 < request.tasks) work->settled.push_back({task + 1, request.tasks});
    work->left_out = request.tasks - 1;
    work->request = std::move(request);
    work->sink = sink;
    auto const start_ns = base::now_ns();
    engine.host().run(work);
    auto const seconds = base::format_duration(base::seconds_since(start_ns));
    if (!sink->failures.empty()) {
        auto const& failure = sink->failures.front();
        write_all(STDOUT_FILENO, fmt::format("task {} of {}: failed after {}: {}: {}\n", task, map.name,
                                             seconds, plenum::name_of(failure.cause),
                                             one_line(failure.message, std::string::npos, {})));
        return static_cast<int>(ExitCode::tasks_failed);
    }
    write_all(STDOUT_FILENO, fmt::format("task {} of {}: done in {}\n  result      {}\n", task, map.name,
                                         seconds, describe_elements(map.type, sink->result)));
    return 0;
}

}  // namespace plenum::app
