// A run that does a bit of everything with a result file, and goes on wherever an earlier one was:
//   resumable_run FILE.h5 [gzip | large]
// gzip: results are compressed, those of one map before they come.
// large: most results go to the file in pieces of more than a MiB, which the disk takes directly where it
// can. After each commit it writes the number of results that are safe to FILE.h5.safe; at its start it
// prints how many it has found.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <new>
#include <plenum/error.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "hdf5/result_file.hpp"
#include "io/direct_writer.hpp"
#include "io/packed_result.hpp"

namespace {

using namespace plenum;

class Run {
public:
    Run(std::string const& path, std::string_view kind)
        : safe_(::open((path + ".safe").c_str(), O_RDWR | O_CREAT, 0600)),
          large_(kind == "large"),
          packed_(kind == "gzip"),
          sink_(hdf5::create_result_file(
              {.path = path, .identity = {.job = "example"}, .gzip = kind == "gzip" ? 4 : 0})) {}

    void go() {
        if (large_) run_large_map();
        if (packed_) run_packed_map();
        for (int m = 0; m < (large_ ? 1 : 2); ++m) {
            auto const number = std::to_string(m);
            run_map({.name = "fixed" + number, .tasks = 24, .shape = {700}});
            run_map({.name = "ragged" + number, .tasks = 12, .fixed = false});
            std::vector<double> const array(300, m);
            sink_->write_array("arrays/a" + number, ElementType::f64, {300}, std::as_bytes(std::span(array)),
                               {});
        }
        std::printf("found %llu\n", static_cast<unsigned long long>(found_));
        std::fflush(stdout);
        sink_->publish({});
    }

private:
    std::vector<bool> find_done(io::MapId map, std::uint64_t tasks) {
        std::vector<bool> done(tasks);
        for (auto const& [first, count] : sink_->earlier_results(map).done) {
            for (std::uint64_t i = 0; i < count; ++i) done[first + i] = true;
            found_ += count;
        }
        return done;
    }

    /// Results of no whole number of pages, three at a time, which lie in memory as they will in the file.
    void run_large_map() {
        io::MapSpec const spec{.name = "large", .tasks = 12, .shape = {50'003}};
        auto const map = sink_->begin_map(spec);
        auto const done = find_done(map, spec.tasks);
        auto const width = spec.shape[0], bytes = width * sizeof(double);
        std::vector<double> memory(3 * width + io::direct_unit / sizeof(double) * 2);
        for (std::uint64_t first = 0, count = 0; first < spec.tasks;
             first += std::max<std::uint64_t>(count, 1)) {
            for (count = 0; count < 3 && first + count < spec.tasks && !done[first + count];) ++count;
            if (count == 0) continue;
            auto const misfit =
                (first * bytes - reinterpret_cast<std::uintptr_t>(memory.data())) % io::direct_unit;
            auto* const values = memory.data() + misfit / sizeof(double);
            for (std::uint64_t i = 0; i < count * width; ++i)
                values[i] = static_cast<double>(first * width + i) + 0.25;
            sink_->put_fixed(map, first, count, std::as_bytes(std::span(values, count * width)));
            put_ += count;
            if (first % 2 == 0) commit();
        }
        commit();
        sink_->end_map(map);
    }

    /// Results that come compressed, two at a time.
    void run_packed_map() {
        io::MapSpec const spec{.name = "packed", .tasks = 9, .shape = {9001}, .packed = true};
        auto const map = sink_->begin_map(spec);
        auto const done = find_done(map, spec.tasks);
        io::ResultPacker packer;
        for (std::uint64_t first = 0; first < spec.tasks; first += 2) {
            std::vector<std::uint64_t> lengths;
            std::vector<std::byte> all;
            for (auto task = first; task < std::min(first + 2, spec.tasks) && !done[task]; ++task) {
                std::vector<double> values(9001);
                for (std::size_t i = 0; i < values.size(); ++i)
                    values[i] = static_cast<double>(task * i % 1009);
                auto const packed = packer.pack(*io::packing_of(spec, 4), std::as_bytes(std::span(values)));
                lengths.push_back(packed.size());
                all.insert(all.end(), packed.begin(), packed.end());
            }
            if (lengths.empty()) continue;
            sink_->put_packed(map, first, lengths, all);
            put_ += lengths.size();
            if (first % 4 == 0) commit();
        }
        commit();
        sink_->end_map(map);
    }

    void run_map(io::MapSpec const& spec) {
        auto const map = sink_->begin_map(spec);
        auto const done = find_done(map, spec.tasks);
        for (std::uint64_t task = 0; task < spec.tasks; ++task) {
            if (done[task]) continue;
            std::vector<double> values(spec.fixed ? 700 : 97 * (task % 5), static_cast<double>(task) + 0.25);
            if (spec.fixed)
                sink_->put_fixed(map, task, 1, std::as_bytes(std::span(values)));
            else
                sink_->put_ragged(map, task, std::vector<std::uint64_t>{values.size()},
                                  std::as_bytes(std::span(values)));
            ++put_;
            if (task % 5 == 4) commit();
        }
        commit();
        sink_->end_map(map);
    }

    void commit() {
        sink_->commit();
        auto const safe = found_ + put_;
        if (::pwrite(safe_, &safe, sizeof safe, 0) != static_cast<ssize_t>(sizeof safe))
            throw std::bad_alloc();
    }

    int safe_;
    bool large_, packed_;
    std::unique_ptr<io::ResultSink> sink_;
    std::uint64_t found_ = 0, put_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
    try {
        Run(argv[1], argc > 2 ? argv[2] : "").go();
        return 0;
    } catch (plenum::UsageError const& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 2;
    } catch (std::exception const& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 3;
    }
}
