// The perceptron in a plain loop, loaded once, with the kernel of Plenum's job.
#include <filesystem>
#include <span>
#include <vector>

#include "model.hpp"
#include "serial/programs.hpp"
#include "work.hpp"

namespace bench {

void classify(Parameters const& parameters) {
    std::filesystem::path const folder = parameters.text("folder");
    plenum::jobs::Layers const layers(parameters.text("layers"), "--layers");
    auto const batch = parameters.number("batch"), items = parameters.number("items");
    auto const weights = load_model(folder, layers);
    auto const samples = read_array<float>(folder / "samples.f32", items * batch * layers.inputs());
    std::vector<float> outputs(items * batch * layers.classes());
    plenum::jobs::Evaluator evaluator(layers);
    auto const evaluate = [&](std::uint64_t i) {
        auto const in = batch * layers.inputs(), out = batch * layers.classes();
        evaluator.outputs(weights, std::span(samples).subspan(i * in, in),
                          std::span(outputs).subspan(i * out, out));
    };
    evaluate(0);
    auto const start = now_ns();
    for (std::uint64_t i = 0; i < items; ++i) evaluate(i);
    report(seconds_since(start), 0);
    save_array(parameters.text("save"), std::span<float const>(outputs));
}

}  // namespace bench
