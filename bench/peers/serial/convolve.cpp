// The convolution in a plain loop, with the kernel of Plenum's job.
#include "convolution.hpp"

#include "serial/programs.hpp"
#include "work.hpp"

namespace bench {

void convolve(Parameters const& parameters) {
    auto const layout = peer_layout(parameters.number("side"));
    auto const kept = layout.shape().kept().size();
    // Aligned as shared arrays are: the kernel's wide loads would cross cache lines otherwise.
    std::vector<float> memory(layout.size() + 16);
    auto const shift = (64 - reinterpret_cast<std::uintptr_t>(memory.data()) % 64) % 64 / sizeof(float);
    auto const strided = std::span(memory).subspan(shift, layout.size());
    load_image(parameters.text("folder"), layout, strided);
    auto const filters = load_filters(parameters.text("folder"), parameters.number("bank"));
    auto const items = parameters.number("items"), saved = parameters.number("saved");
    if (parameters.text("mode") == "reduced") {
        std::vector<double> powers(items);
        (void)convolve_power(strided, layout, filters, 0);
        auto const start = now_ns();
        for (std::uint64_t i = 0; i < items; ++i) powers[i] = convolve_power(strided, layout, filters, i);
        report(seconds_since(start), 0);
        save_array(parameters.text("save"), std::span<double const>(powers).first(saved));
        return;
    }
    std::vector<float> pixels;
    pixels.reserve(items * kept);
    (void)convolve_power(strided, layout, filters, 0);
    auto const start = now_ns();
    pixels.resize(items * kept);
    for (std::uint64_t i = 0; i < items; ++i)
        convolve(strided, layout, filters, i, std::span(pixels).subspan(i * kept, kept));
    report(seconds_since(start), 0);
    save_array(parameters.text("save"), std::span<float const>(pixels).first(saved * kept));
}

}  // namespace bench
