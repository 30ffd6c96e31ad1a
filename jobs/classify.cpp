// The job classify: a multilayer perceptron, costly to load and used often, evaluates many batches.
#include <fmt/format.h>

#include <algorithm>
#include <cereal/types/string.hpp>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <plenum/error.hpp>
#include <plenum/job.hpp>
#include <plenum/pool.hpp>
#include <span>
#include <string>
#include <vector>

#include "support/convolve_request.hpp"
#include "support/digits.hpp"
#include "support/index_scale.hpp"
#include "support/perceptron.hpp"
#include "support/philox.hpp"
#include "support/reference.hpp"
#include "support/training.hpp"
#include "support/whole_number.hpp"

namespace plenum::jobs {
namespace {

constexpr std::uint64_t batch_limit = 1'000'000;
constexpr std::uint64_t verified_batches = 4;
constexpr std::uint64_t verified_samples = 8;  // of each of those batches
constexpr std::int16_t no_sample = -1;         // where the last batch has fewer samples

/// Where the tasks have the weights from.
enum class Load { shared, executor, task };

Load load_of(std::string const& text) {
    if (text == "shared") return Load::shared;
    if (text == "executor") return Load::executor;
    if (text == "task") return Load::task;
    throw UsageError(fmt::format("--load '{}' is unknown; choose one of shared, executor, task", text));
}

struct Request {
    bool train = false;
    bool synthetic = false;
    Load load = Load::shared;
    std::string weights;  ///< file; empty: the weights stay in memory
    std::string layers;   ///< empty: those of the file
    std::uint64_t batch = 0;
    std::uint64_t batches = 0;  ///< of synthetic samples
};

Request request_of(JobContext& job) {
    auto const text = [&](char const* option) {
        return job.given(option) ? job.option<std::string>(option) : std::string();
    };
    Request request{
        .train = job.option<bool>("train"),
        .synthetic = job.option<bool>("synthetic"),
        .load = load_of(job.option<std::string>("load")),
        .weights = text("weights"),
        .layers = text("layers"),
        .batch = 0,
        .batches = parse_whole_number(job.option<std::string>("batches"), "--batches", batch_limit)};
    if (request.train && request.synthetic) {
        throw UsageError(
            "--train and --synthetic exclude each other (random weights learn nothing); give one of them");
    }
    if (request.synthetic && job.given("digits")) {
        throw UsageError(
            "--synthetic and --digits exclude each other (both name the samples); give one of them");
    }
    if (!request.synthetic && job.given("batches")) {
        throw UsageError("--batches needs --synthetic (the digits make as many as there are); leave it out");
    }
    bool const makes_weights = request.train || request.synthetic;
    if (!makes_weights && request.weights.empty()) {
        throw UsageError(
            "no weights given (classify has no default); give --train, --weights FILE or --synthetic");
    }
    if (!makes_weights && !request.layers.empty()) {
        throw UsageError("--layers does not go with --weights alone (the file has its own); leave it out");
    }
    if (request.load != Load::shared && request.weights.empty()) {
        throw UsageError("--load executor and --load task need a file to load from; give --weights FILE");
    }
    if (makes_weights && request.layers.empty())
        request.layers = request.train ? "64,64,64,10" : "784,2048,2048,10";
    request.batch = job.given("batch")
                        ? parse_whole_number(job.option<std::string>("batch"), "--batch", batch_limit)
                        : (request.synthetic ? 500 : 30);
    if (makes_weights && !request.weights.empty()) require_weights_path(request.weights);
    return request;
}

/// Trained, made up, or from the file; afterwards the file, when there is one, has them too.
Perceptron perceptron_of(JobContext& job, Request const& request, Samples const& training) {
    if (!request.train && !request.synthetic) return load_perceptron(request.weights);
    Layers const layers(request.layers, "--layers");
    require_memory(3 * static_cast<double>(layers.parameters()) * sizeof(float),
                   fmt::format("a perceptron of {}", to_string(layers)));
    auto const made =
        request.train ? train(layers, training, {.seed = job.seed()}) : random_perceptron(layers, job.seed());
    if (!request.weights.empty() && !job.dry_run()) save_perceptron(made, request.weights);
    return made;
}

std::vector<float> packed_of(Perceptron const& perceptron) {
    std::vector<float> packed(perceptron.layers.packed_parameters());
    pack(perceptron, packed);
    return packed;
}

/// What an executor keeps from task to task.
struct Model {
    Evaluator evaluator;
    std::vector<float> weights;  ///< Load::executor only
};

/// Makes it, once for each executor.
struct LoadModel {
    Layers layers = {};
    std::string file = {};  ///< of the weights that the executor keeps; empty: none

    Model operator()() const {
        return {.evaluator = Evaluator(layers),
                .weights = file.empty() ? std::vector<float>() : packed_of(load_perceptron(file))};
    }
    template <class Archive>
    void serialize(Archive& archive) {
        archive(cereal::binary_data(&layers, sizeof(layers)), file);
    }
};

/// One task: classifies a batch.
struct Classify {
    /// What travels as its bytes.
    struct Plan {
        Load load = Load::shared;
        std::uint64_t inputs = 0;
        SharedRef<float> weights = {};  ///< Load::shared only
        SharedRef<float> samples = {};  ///< [sample, input]
        std::uint64_t batch = 0;
    };
    Plan plan = {};
    std::string file = {};  ///< of the weights, for Load::task

    void operator()(Model& model, std::uint64_t index, std::span<std::int16_t> predictions) const {
        switch (plan.load) {
            case Load::shared:
                return classify(model.evaluator, plan.weights.span(), index, predictions);
            case Load::executor:
                return classify(model.evaluator, model.weights, index, predictions);
            case Load::task:
                return classify(model.evaluator, packed_of(load_perceptron(file)), index, predictions);
        }
    }

    template <class Archive>
    void serialize(Archive& archive) {
        archive(cereal::binary_data(&plan, sizeof(plan)), file);
    }

private:
    void classify(Evaluator& evaluator, std::span<float const> weights, std::uint64_t index,
                  std::span<std::int16_t> predictions) const {
        auto const first = index * plan.batch;
        auto const count = std::min(plan.batch, plan.samples.rows() - first);
        evaluator.classify(weights, plan.samples.span().subspan(first * plan.inputs, count * plan.inputs),
                           predictions.first(count));
        std::ranges::fill(predictions.subspan(count), no_sample);
    }
};
static_assert(std::is_trivially_copyable_v<Classify::Plan>);

SharedArray<float> synthetic_samples(JobContext& job, std::uint64_t samples, std::size_t inputs) {
    return job.pool().share_filled<float>({samples, inputs}, [&](std::span<float> out) {
        for (std::size_t first = 0; first < out.size(); first += 4) {
            auto const numbers =
                uniform4(job.seed(), RandomStream::samples, first >> 32, static_cast<std::uint32_t>(first));
            std::copy_n(numbers.begin(), std::min<std::size_t>(4, out.size() - first),
                        out.begin() + static_cast<std::ptrdiff_t>(first));
        }
    });
}

/// The share of right predictions in each batch, and in all of them.
void report_accuracy(JobContext& job, Request const& request, std::vector<std::uint8_t> const& labels,
                     std::uint64_t batches) {
    auto const predictions = job.results().read<std::int16_t>("predictions", 0, batches);
    std::vector<double> accuracy;
    std::uint64_t right_in_all = 0;
    for (std::uint64_t first = 0; first < labels.size(); first += request.batch) {
        auto const count = std::min<std::uint64_t>(request.batch, labels.size() - first);
        std::uint64_t right = 0;
        for (auto sample = first; sample < first + count; ++sample) {
            if (predictions[sample] == static_cast<std::int16_t>(labels[sample])) ++right;
        }
        accuracy.push_back(static_cast<double>(right) / static_cast<double>(count));
        right_in_all += right;
    }
    auto const overall = static_cast<double>(right_in_all) / static_cast<double>(labels.size());
    job.results().map("accuracy", [](double share) { return share; }, accuracy,
                      {.version = 1,
                       .dimensions = {"batch"},
                       .units = "1",
                       .scales = {index_scale(0, "batch", batches)},
                       .attributes = {{"long_name", "share of right predictions"}, {"overall", overall}}});
    job.results().write("inputs/labels", std::span(labels), {labels.size()}, {{"units", "1"}});
    job.say(fmt::format("test accuracy: {:.4f} ({} of {})", overall, right_in_all, labels.size()));
}

/// A prediction holds when the reference gives its class the largest output, or one that rounding could make
/// it.
void verify(JobContext& job, Perceptron const& perceptron, Request const& request,
            SharedArray<float> const& samples, std::uint64_t batches) {
    constexpr double rounding = 1e-4;  // of the largest output
    std::uint64_t compared = 0;
    for (auto const index : spread_indices(batches, verified_batches)) {
        auto const predictions = job.results().read<std::int16_t>("predictions", index, 1);
        auto const first = index * request.batch;
        auto const count = std::min<std::uint64_t>(request.batch, samples.rows() - first);
        for (auto const k : spread_indices(count, verified_samples)) {
            auto const outputs = outputs_reference(perceptron, samples.ref().row(first + k));
            auto const largest = std::ranges::max(outputs);
            auto const scale = std::max(std::abs(largest), std::abs(std::ranges::min(outputs)));
            auto const predicted = predictions[k];
            if (predicted < 0 || static_cast<std::size_t>(predicted) >= outputs.size() ||
                outputs[static_cast<std::size_t>(predicted)] < largest - rounding * scale) {
                throw Error(
                    ExitCode::tasks_failed,
                    fmt::format("verify: sample {} of batch {} got class {}, which the reference does not "
                                "prefer; do not use these results",
                                k, index, predicted));
            }
            ++compared;
        }
    }
    job.say(fmt::format("verify: {} of {} sampled predictions agree", compared, compared));
}

int run_classify(JobContext& job) {
    auto const request = request_of(job);
    auto const digits =
        request.synthetic ? Split{} : split_digits(load_digits(job.option<std::string>("digits")));
    auto const perceptron = perceptron_of(job, request, digits.training);
    auto const& layers = perceptron.layers;
    if (!request.synthetic && (layers.inputs() != digit_pixels || layers.classes() != digit_classes)) {
        throw UsageError(
            fmt::format("--weights '{}' has layers {} (digits have {} pixels and {} classes); pass weights "
                        "trained for them",
                        request.weights, to_string(layers), digit_pixels, digit_classes));
    }
    auto const samples = request.synthetic ? request.batch * request.batches : digits.test.count();
    auto const batches = (samples + request.batch - 1) / request.batch;
    job.say(fmt::format("{} batches of {} samples through layers of {}", batches, request.batch,
                        to_string(layers)));
    if (request.synthetic) {
        require_memory(static_cast<double>(samples) * static_cast<double>(layers.inputs()) * sizeof(float),
                       fmt::format("{} batches of {} samples", batches, request.batch));
    }

    auto const inputs = request.synthetic ? synthetic_samples(job, samples, layers.inputs())
                                          : job.pool().share(digits.test.inputs, {samples, layers.inputs()});
    SharedArray<float> weights;
    if (request.load == Load::shared) {
        weights = job.pool().share_filled<float>(layers.packed_parameters(),
                                                 [&](std::span<float> out) { pack(perceptron, out); });
    }
    // Executors may run in other folders and on other nodes: the name has to be whole.
    auto const file =
        request.weights.empty() ? std::string() : std::filesystem::absolute(request.weights).string();
    auto model = job.pool().worker_state(
        LoadModel{.layers = layers, .file = request.load == Load::executor ? file : std::string()});
    job.results().map("predictions",
                      model.with(Classify{.plan = {.load = request.load,
                                                   .inputs = layers.inputs(),
                                                   .weights = weights.ref(),
                                                   .samples = inputs.ref(),
                                                   .batch = request.batch},
                                          .file = request.load == Load::task ? file : std::string()}),
                      indices(batches),
                      {.shape = {request.batch},
                       .version = 1,
                       .dimensions = {"batch", "sample"},
                       .units = "1",
                       .scales = {index_scale(0, "batch", batches), index_scale(1, "sample", request.batch)},
                       .attributes = {{"long_name", "class of the largest output"},
                                      {"missing_value", std::int64_t{no_sample}},
                                      {"layers", to_string(layers)}}});
    if (job.dry_run()) return 0;
    if (!request.synthetic) report_accuracy(job, request, digits.test.labels, batches);
    if (job.option<bool>("verify")) verify(job, perceptron, request, inputs, batches);
    return 0;
}

auto const registered = add_job(
    {.name = "classify",
     .summary = "evaluate a multilayer perceptron on many batches",
     .options = {{.name = "train",
                  .help = "train on the digits first; --weights then names the file to write"},
                 {.name = "weights", .placeholder = "FILE", .help = "weights that --train has written"},
                 {.name = "digits",
                  .placeholder = "FILE",
                  .default_value = default_digits,
                  .help = "the handwritten digits of scikit-learn (csv or csv.gz)"},
                 {.name = "synthetic", .help = "random weights and samples instead"},
                 {.name = "layers",
                  .placeholder = "W,W,...",
                  .help = "widths of the layers to make (64,64,64,10; synthetic: 784,2048,2048,10)"},
                 {.name = "batch", .placeholder = "N", .help = "samples in a batch (30; synthetic: 500)"},
                 {.name = "batches", .placeholder = "N", .default_value = "40", .help = "synthetic batches"},
                 {.name = "load",
                  .placeholder = "MODE",
                  .default_value = "shared",
                  .help = "weights: shared (once per node), executor (once in each), task (by every task)"},
                 {.name = "verify",
                  .help = "compare sampled predictions with a plain reference implementation"}},
     .run = run_classify,
     .example = "plenum run classify --train --weights digits.weights --verify -o digits.h5"});

}  // namespace
}  // namespace plenum::jobs
