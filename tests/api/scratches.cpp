// Tasks that leave files in their scratch folders, for scratch_removed.py:   scratches end | crash | sleep
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <plenum/plenum.hpp>
#include <string_view>
#include <thread>

int main(int argc, char** argv) {
    std::string_view const kind = argc > 1 ? argv[1] : "end";
    bool const crash = kind == "crash", sleep = kind == "sleep";
    return plenum::run(argc, argv, [=](plenum::Pool& pool) {
        auto const results = pool.map(
            [crash, sleep](std::uint64_t i) {
                auto const folder = plenum::scratch_folder();
                std::filesystem::create_directories(folder / "a");
                std::ofstream(folder / "a" / std::to_string(i)) << i;
                if (crash && i % 3 == 0) ::raise(SIGKILL);
                if (sleep) std::this_thread::sleep_for(std::chrono::seconds(600));
                return 0;
            },
            plenum::indices(24), {.schedule = "ss", .on_failure = plenum::OnFailure::collect});
        for (auto const& failure : results.failures()) std::cout << failure.message << '\n';
        std::cout << results.failures().size() << " failed" << std::endl;
    });
}
