// plenum validate: every checksum against the bytes that it stands for.
#include <fmt/format.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <plenum/error.hpp>

#include "app/file_commands.hpp"
#include "app/terminal.hpp"
#include "base/units.hpp"
#include "hdf5/open_run.hpp"

namespace plenum::app {
namespace {

using Json = nlohmann::ordered_json;

std::string in_words(io::Damage const& damage) {
    auto const bytes = damage.bytes == 0 ? "" : fmt::format(" ({})", base::format_bytes(damage.bytes));
    if (damage.count == 0) return fmt::format("{}{}", damage.what, bytes);
    auto const tasks = damage.count == 1
                           ? fmt::format("task {}", damage.first)
                           : fmt::format("tasks {} to {}", damage.first, damage.first + damage.count - 1);
    return fmt::format("map '{}', {}{}: {}", damage.map, tasks, bytes, damage.what);
}

std::string report_json(io::StoredRun const& run, io::CheckReport const& report) {
    Json damage = Json::array();
    for (auto const& each : report.damage)
        damage.push_back({{"map", each.map},
                          {"first", each.first},
                          {"count", each.count},
                          {"bytes", each.bytes},
                          {"what", each.what}});
    Json const json{{"file", run.file},
                    {"sound", report.damage.empty()},
                    {"bytes", report.bytes},
                    {"checksums", report.checksums},
                    {"damage", std::move(damage)}};
    return json.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
}

std::string report_text(io::StoredRun const& run, io::CheckReport const& report) {
    std::string text;
    for (auto const& damage : report.damage)
        text += one_line(fmt::format("{}: {}", run.file, in_words(damage)), std::string::npos, {}) + '\n';
    std::uint64_t done = 0, tasks = 0;
    for (auto const& map : run.maps) {
        done += map.done.count();
        tasks += map.spec.tasks;
    }
    auto const checked =
        fmt::format("{} in {} checksums", base::format_bytes(report.bytes), report.checksums);
    if (!report.damage.empty()) return text + fmt::format("{}: damaged ({})\n", run.file, checked);
    return fmt::format("{}: sound ({}; results of {} of {} tasks in {} maps{})\n", run.file, checked, done,
                       tasks, run.maps.size(),
                       run.state == io::RunState::finished ? "" : ", and the journal");
}

}  // namespace

int run_validate(FileRequest const& request) {
    auto const reader = hdf5::open_run(request.files.front(), hdf5::Prefer::finished);
    auto const report = reader->check();
    write_all(STDOUT_FILENO, request.value("output-mode") == "json" ? report_json(reader->run(), report)
                                                                    : report_text(reader->run(), report));
    return static_cast<int>(report.damage.empty() ? ExitCode::done : ExitCode::environment);
}

}  // namespace plenum::app
