// bench_peers run classify: pool.map over batches, weights in node memory, an evaluator for each executor.
#include <cstdint>
#include <filesystem>
#include <plenum/plenum.hpp>
#include <span>
#include <string>

#include "jobs/consecutive.hpp"
#include "jobs/options.hpp"
#include "model.hpp"
#include "work.hpp"

namespace bench {
namespace {

using plenum::jobs::Evaluator;

int classify_job(plenum::JobContext& job) {
    std::filesystem::path const folder = job.option<std::string>("folder");
    plenum::jobs::Layers const layers(job.option<std::string>("layers"), "--layers");
    auto const batch = job.option<std::uint64_t>("batch"), items = job.option<std::uint64_t>("items");
    auto const weights = job.pool().share(load_model(folder, layers));
    auto const samples = job.pool().share_filled<float>(
        {job.option<std::uint64_t>("batches"), batch * layers.inputs()},
        [&](std::span<float> out) { read_array(folder / "samples.f32", out); });
    auto evaluator = job.pool().worker_state([layers] { return Evaluator(layers); });
    auto const task = evaluator.with([weights = weights.ref(), samples = samples.ref()](
                                         Evaluator& own, std::uint64_t i, std::span<float> out) {
        own.outputs(weights.span(), samples.row(i), out);
    });
    plenum::MapOptions const options{.shape = {batch, layers.classes()}};
    (void)job.pool().map(task, plenum::indices(2 * job.option<std::uint64_t>("workers")), options);
    auto const start = now_ns();
    auto const outputs = job.pool().map(task, plenum::indices(items), options);
    report(seconds_since(start), 0);
    save_array(job.option<std::string>("save"), consecutive(outputs));
    return 0;
}

bool const registered = plenum::add_job({.name = "classify",
                                         .summary = "a perceptron, many batches",
                                         .options = peer_options({"batches", "batch", "layers"}),
                                         .run = classify_job});

}  // namespace
}  // namespace bench
