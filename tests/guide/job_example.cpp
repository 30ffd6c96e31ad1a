// The example of docs/guide.md of a job, whose results go to a file.
// [example: job]
#include <cmath>
#include <plenum/plenum.hpp>

static int run_decay(plenum::JobContext& job) {
    auto const steps = job.option<std::uint64_t>("steps");
    job.results().map(
        "decay",
        [steps](double rate) {
            return std::pow(1 - rate / static_cast<double>(steps), static_cast<double>(steps));
        },
        std::vector{0.5, 1.0, 2.0},
        {.units = "1", .scales = {{.name = "rate", .values = {0.5, 1.0, 2.0}, .units = "1/s"}}});
    return 0;
}

static auto const registered = plenum::add_job(
    {.name = "decay",
     .summary = "radioactive decay in small steps",
     .options = {{.name = "steps", .placeholder = "N", .default_value = "1000", .help = "number of steps"}},
     .run = run_decay});
// [end]
