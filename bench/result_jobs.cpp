// Jobs of the figures about convolutions and about results in the file.
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <plenum/plenum.hpp>
#include <span>
#include <string>
#include <vector>

#include "work.hpp"

namespace bench {
namespace {

struct SharedConvolution {
    Convolution what;
    plenum::SharedArray<float> strided, taps;
};

SharedConvolution share_convolution(plenum::JobContext& job) {
    Convolution const what(job.option<std::uint64_t>("side"), job.option<std::uint64_t>("filters"));
    return {.what = what,
            .strided = job.pool().share_filled<float>(what.layout.size(),
                                                      [&](std::span<float> out) { what.fill_image(out); }),
            .taps = job.pool().share(what.bank())};
}

int convolve_checksums(plenum::JobContext& job) {
    auto const shared = share_convolution(job);
    auto const task = [strided = shared.strided.ref(), taps = shared.taps.ref(),
                       layout = shared.what.layout](std::uint64_t filter) {
        return convolve_checksum(strided.span(), layout, taps.span(), filter);
    };
    (void)job.pool().map(task, plenum::indices(static_cast<std::uint64_t>(job.pool().ranks()) * 2));
    auto const start = now_ns();
    auto const sums = job.pool().map(task, plenum::indices(shared.what.filters));
    auto const seconds = seconds_since(start);
    report(seconds, checksum(sums.span()));
    return 0;
}

int convolve_results(plenum::JobContext& job) {
    auto const shared = share_convolution(job);
    auto const kept = shared.what.layout.shape().kept();
    report(0, 0, now_ns());
    job.results().map("values",
                      [strided = shared.strided.ref(), taps = shared.taps.ref(), layout = shared.what.layout](
                          std::uint64_t filter, std::span<float> out) {
                          convolve(strided.span(), layout, taps.span(), filter, out);
                      },
                      plenum::indices(shared.what.filters), {.shape = {kept.rows, kept.columns}});
    return 0;
}

int masks(plenum::JobContext& job) {
    Masks const masks(job.option<std::uint64_t>("side"));
    auto const stack = job.pool().share_filled<std::uint8_t>(
        masks.stack_bytes(), [&](std::span<std::uint8_t> out) { masks.fill(out); });
    report(0, 0, now_ns());
    job.results().map("values",
                      [stack = stack.ref(), masks](std::uint64_t i, std::span<std::uint8_t> mask) {
                          masks.make(i, stack.span(), mask);
                      },
                      plenum::indices(job.option<std::uint64_t>("masks")),
                      {.shape = {masks.extent.rows, masks.extent.columns}});
    return 0;
}

int records(plenum::JobContext& job) {
    auto const words = job.option<std::uint64_t>("record") / 8;
    auto const count = plenum::indices(job.option<std::uint64_t>("records"));
    report(0, 0, now_ns());
    if (words == 1) {
        job.results().map(
            "values", [](std::uint64_t i) { return square(i); }, count);
    } else {
        job.results().map("values",
                          [](std::uint64_t i, std::span<std::uint64_t> out) { fill_record(i, out); }, count,
                          {.shape = {words}});
    }
    return 0;
}

int ragged_records(plenum::JobContext& job) {
    report(0, 0, now_ns());
    job.results().map(
        "values",
        [](std::uint64_t i) {
            std::vector<std::uint64_t> words(ragged_words(i));
            fill_record(i, words);
            return words;
        },
        plenum::indices(job.option<std::uint64_t>("records")));
    return 0;
}

/// The last tasks never end: the run is killed, and begun again. The first of them to start leaves the time
/// in a file.
struct Endless {
    std::uint64_t first = 0;
    std::array<char, 200> sign{};

    void perform(std::uint64_t task) const {
        if (task < first) return;
        auto const file = ::open(sign.data(), O_WRONLY | O_CREAT | O_EXCL, 0666);
        if (file >= 0) {
            auto const now = std::to_string(now_ns()) + "\n";
            if (::write(file, now.data(), now.size()) < 0) std::abort();
            ::close(file);
        }
        for (;;) ::pause();
    }
};

int endless(plenum::JobContext& job) {
    auto const tasks = job.option<std::uint64_t>("tasks");
    Endless last{.first = tasks, .sign = {}};
    job.option<std::string>("sign").copy(last.sign.data(), last.sign.size() - 1);
    auto const all = plenum::indices(tasks + 16);
    if (job.option<bool>("ragged")) {
        job.results().map(
            "values",
            [last](std::uint64_t i) {
                last.perform(i);
                return std::vector<std::uint64_t>(i % 3, i);
            },
            all);
    } else {
        job.results().map(
            "values",
            [last](std::uint64_t i) {
                last.perform(i);
                return square(i);
            },
            all);
    }
    return 0;
}

std::vector<plenum::JobOption> convolution_options() {
    return {{.name = "side",
             .placeholder = "N",
             .default_value = "3000",
             .help = "rows and columns of the image"},
            {.name = "filters", .placeholder = "N", .default_value = "1000", .help = "number of filters"}};
}

bool const registered[] = {
    plenum::add_job({.name = "convolve-checksums",
                     .summary = "convolutions, each reduced to a checksum",
                     .options = convolution_options(),
                     .run = convolve_checksums}),
    plenum::add_job({.name = "convolve-results",
                     .summary = "convolutions, whole results into the file",
                     .options = convolution_options(),
                     .run = convolve_results}),
    plenum::add_job(
        {.name = "masks",
         .summary = "masks of images into the file",
         .options = {{.name = "side",
                      .placeholder = "N",
                      .default_value = "512",
                      .help = "rows and columns of an image"},
                     {.name = "masks", .placeholder = "N", .default_value = "1000", .help = "how many"}},
         .run = masks}),
    plenum::add_job(
        {.name = "records",
         .summary = "records of one size into the file",
         .options =
             {{.name = "record", .placeholder = "BYTES", .default_value = "8", .help = "of one result"},
              {.name = "records", .placeholder = "N", .default_value = "1000000", .help = "how many"}},
         .run = records}),
    plenum::add_job(
        {.name = "ragged-records",
         .summary = "records of different lengths into the file",
         .options = {{.name = "records", .placeholder = "N", .default_value = "100000", .help = "how many"}},
         .run = ragged_records}),
    plenum::add_job(
        {.name = "endless",
         .summary = "many short tasks, then some that never end",
         .options = {{.name = "tasks", .placeholder = "N", .default_value = "1000000", .help = "that end"},
                     {.name = "sign", .placeholder = "FILE", .help = "made by the first that does not"},
                     {.name = "ragged", .help = "results of different lengths"}},
         .run = endless})};

}  // namespace
}  // namespace bench
