// A run that does a bit of everything with a result file, and goes on wherever an earlier one was:
//   resumable_run FILE.h5 [gzip]
// After each commit it writes the number of results that are safe to FILE.h5.safe; at its start it prints how
// many it has found.
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <new>
#include <plenum/error.hpp>
#include <string>
#include <vector>

#include "hdf5/result_file.hpp"

namespace {

using namespace plenum;

class Run {
public:
    Run(std::string const& path, int gzip)
        : safe_(::open((path + ".safe").c_str(), O_RDWR | O_CREAT, 0600)),
          sink_(hdf5::create_result_file({.path = path, .identity = {.job = "example"}, .gzip = gzip})) {}

    void go() {
        for (int m = 0; m < 2; ++m) {
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
    void run_map(io::MapSpec const& spec) {
        auto const map = sink_->begin_map(spec);
        std::vector<bool> done(spec.tasks);
        for (auto const& [first, count] : sink_->earlier_results(map).done) {
            for (std::uint64_t i = 0; i < count; ++i) done[first + i] = true;
            found_ += count;
        }
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
    std::unique_ptr<io::ResultSink> sink_;
    std::uint64_t found_ = 0, put_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
    try {
        Run(argv[1], argc > 2 ? 4 : 0).go();
        return 0;
    } catch (plenum::UsageError const& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 2;
    } catch (std::exception const& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 3;
    }
}
