// Tasks that sleep for a long time, for lost_rank.py:  sleeps FILE    The first task makes FILE.
#include <chrono>
#include <fstream>
#include <plenum/plenum.hpp>
#include <string>
#include <thread>

namespace {

struct Sleep {
    std::string file;
    int operator()(std::uint64_t task) const {
        if (task == 0) std::ofstream{file} << "started\n";
        std::this_thread::sleep_for(std::chrono::seconds(600));
        return 0;
    }
    template <class Archive>
    void serialize(Archive& archive) {
        archive(file);
    }
};

}  // namespace

int main(int argc, char** argv) {
    std::string const file = argc > 1 ? argv[1] : "started";
    return plenum::run(argc, argv, [&](plenum::Pool& pool) {
        auto const array = pool.share(std::vector<double>(1 << 16, 1.0));
        (void)pool.map(Sleep{file}, plenum::indices(100), {.schedule = "ss"});
    });
}
