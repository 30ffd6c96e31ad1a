// Writes a result file for read_with_h5py.py: half of it, then waits for a line on standard input, then the
// rest. Usage: write_example FILE.h5
#include <iostream>
#include <numeric>

#include "hdf5/result_file.hpp"

namespace {

template <class T>
std::span<std::byte const> bytes(std::vector<T> const& values) {
    return std::as_bytes(std::span(values));
}

/// The results of the tasks [first, first + count), shape (3, 2) each: their own index, in fractions.
std::vector<float> images(std::uint64_t first, std::uint64_t count) {
    std::vector<float> values;
    for (auto task = first; task < first + count; ++task)
        for (int i = 0; i < 6; ++i) values.push_back(static_cast<float>(task) + 0.1f * static_cast<float>(i));
    return values;
}

void write(std::string const& path) {
    using namespace plenum;
    auto const sink = hdf5::create_result_file(
        {.path = path, .version = "1.2.3", .git = "abc123", .hosts = {"n1", "n1", "n2"}});
    std::vector<double> angles(100);
    std::iota(angles.begin(), angles.end(), 0.0);
    auto const image =
        sink->begin_map({.name = "image",
                         .tasks = 100,
                         .type = ElementType::f32,
                         .shape = {3, 2},
                         .dimensions = {"task", "row", "column"},
                         .units = "lux",
                         .version = 4,
                         .scales = {{.dimension = 0, .name = "angle", .values = angles, .units = "degree"},
                                    {.dimension = 1, .name = "y", .values = {0, 10, 20}, .units = "mm"}},
                         .attributes = {{"filter", std::string("Gauß")}, {"sigma", 1.5}}});
    sink->put_fixed(image, 0, 50, bytes(images(0, 50)));
    auto const peaks = sink->begin_map({.name = "peaks",
                                        .tasks = 5,
                                        .type = ElementType::i32,
                                        .fixed = false,
                                        .units = "pixel",
                                        .version = 2});
    sink->put_ragged(peaks, 3, std::vector<std::uint64_t>{1, 2},
                     bytes(std::vector<std::int32_t>{30, 40, 41}));

    std::cout << "half" << std::endl;
    std::string line;
    std::getline(std::cin, line);

    sink->put_fixed(image, 51, 49, bytes(images(51, 49)));
    sink->put_failure(
        image, {.task = 50, .attempt = 1, .rank = 1, .cause = FailureCause::crash, .message = "signal 11"});
    sink->put_failure(image, {.task = 50, .attempt = 2, .rank = 0, .message = "singular \xff matrix"});
    std::vector<io::TimingRow> const rows{
        {.first = 0, .count = 50, .rank = 0, .start = 0.5, .duration = 5, .peak_rss = 1000},
        {.first = 50, .count = 1, .rank = 0, .start = 6, .duration = 0.25, .peak_rss = 2000},
        {.first = 51, .count = 49, .rank = 2, .start = 0.75, .duration = 4.9, .peak_rss = 3000}};
    sink->put_timing(image, rows);
    sink->end_map(image);
    sink->put_failure(
        peaks, {.task = 0, .attempt = 1, .rank = 2, .cause = FailureCause::timeout, .message = "10 s"});
    sink->put_ragged(peaks, 0, std::vector<std::uint64_t>{2, 0}, bytes(std::vector<std::int32_t>{1, 2}));
    sink->put_failure(
        peaks, {.task = 2, .attempt = 1, .rank = 2, .cause = FailureCause::timeout, .message = "10 s"});
    sink->end_map(peaks);
    auto const many = sink->begin_map({.name = "many", .tasks = 2'000'000, .type = ElementType::u8});
    std::vector<std::uint8_t> const ones(2'000'000, 1);
    sink->put_fixed(many, 0, 1'500'000, bytes(ones).first(1'500'000));
    sink->put_fixed(many, 1'500'001, 499'999, bytes(ones).first(499'999));
    sink->put_timing(many, std::vector<io::TimingRow>{
                               {.first = 0, .count = 1'000'000, .rank = 1, .start = 7, .duration = 2},
                               {.first = 1'000'000, .count = 1'000'000, .rank = 2}});
    sink->put_failure(many, {.task = 1'500'000, .message = "bad"});
    sink->end_map(many);
    sink->put_printed({.map = peaks, .first = 3, .text = "hello\ngrüß\n"});
    sink->put_printed({.first = 2, .count = 0, .text = "an actor\n"});
    sink->write_array("inputs/filters", ElementType::u16, {2, 2},
                      bytes(std::vector<std::uint16_t>{1, 2, 3, 4}), {{"units", std::string("1")}});
    sink->publish(
        {.job = "example",
         .command_line = "write_example " + path,
         .options = {{"filters", std::int64_t{512}}, {"image", std::string("photo.png")}, {"scale", 0.5}},
         .environment = {{"OMP_NUM_THREADS", "1"}, {"LANG", "C.UTF-8"}},
         .workers = {{.rank = 0, .host = "n1", .cores = "0-1", .working = 2.5, .tasks = 51},
                     {.rank = 1, .host = "n1", .cores = "2-3"},
                     {.rank = 2, .host = "n2", .cores = "0-1", .tasks = 49}}});
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) return 2;
    try {
        write(argv[1]);
    } catch (plenum::Error const& error) {
        std::cerr << error.what() << '\n';
        return static_cast<int>(error.exit_code());
    }
}
