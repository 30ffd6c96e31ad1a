#include <cstdio>
#include <plenum/run.hpp>

#include "app/engine_pool.hpp"
#include "app/launch.hpp"
#include "app/output_lines.hpp"
#include "hdf5/dataset_source.hpp"
#include "mpi/mpi_session.hpp"

namespace plenum {
namespace {

class BodyProgram : public app::Program {
public:
    explicit BodyProgram(std::function<int(Pool&)> const& body) : body_(body) {}
    void prepare(app::Launched const& launched) override {
        for (auto const& warning : launched.warnings) complain("warning: " + warning);
        launched.engine.on_output([](wire::Output const& output) {
            auto* const stream = output.error ? stderr : stdout;
            app::for_each_line(output, [stream](std::string const& line) {
                std::fwrite((line + '\n').data(), 1, line.size() + 1, stream);
            });
            std::fflush(stream);
        });
    }
    int body(app::Launched const& launched) override {
        auto const datasets = hdf5::make_dataset_source();
        app::EnginePool core(launched.engine, *datasets, [this](std::string const& line) { complain(line); });
        Pool pool(core);
        auto const code = body_(pool);
        core.finish();
        return code;
    }

private:
    std::function<int(Pool&)> const& body_;
};

app::AskedOptions options_of(RunSettings const& settings) {
    auto const names = app::technique_names();
    app::AskedOptions asked;
    for (auto const& row : app::run_option_table(names))
        for (auto const& [name, text] :
             {std::pair{"schedule", &settings.schedule}, std::pair{"chunk-size", &settings.chunk_size},
              std::pair{"isolation", &settings.isolation}, std::pair{"executors", &settings.executors},
              std::pair{"tasks-per-executor", &settings.tasks_per_executor},
              std::pair{"threads-per-task", &settings.threads_per_task},
              std::pair{"node-memory", &settings.node_memory}})
            if (row.name == name && !text->empty()) {
                app::store_option(asked.options, row, *text, row.name);
                asked.given.push_back(row.name);
            }
    return asked;
}

}  // namespace

int detail::run_body(std::function<int(Pool&)> const& body, RunSettings const& settings) {
    app::AskedOptions asked;
    try {
        asked = options_of(settings);
    } catch (Error const& error) {
        if (mpi::launched_rank() == 0) app::print_error(error.what());
        return static_cast<int>(error.exit_code());
    }
    return app::launch(asked, [&](app::RunOptions const&) { return std::make_unique<BodyProgram>(body); });
}

int detail::run_body_within(std::uint64_t communicator, std::size_t bytes,
                            std::function<int(Pool&)> const& body, RunSettings const& settings) {
    return app::launch_within({.bits = communicator, .bytes = bytes}, options_of(settings),
                              [&](app::RunOptions const&) { return std::make_unique<BodyProgram>(body); });
}

}  // namespace plenum
