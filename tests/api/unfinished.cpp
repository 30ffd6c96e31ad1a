// A body that ends while work is under way, for unfinished.py:   unfinished WAY
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <plenum/plenum.hpp>
#include <stdexcept>
#include <string>
#include <thread>

int main(int argc, char** argv) {
    std::string const way = argc > 1 ? argv[1] : "";
    auto const nap = [](std::uint64_t i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
        return i;
    };
    return plenum::run(argc, argv, [&](plenum::Pool& pool) -> int {
        if (way == "futures" || way == "all" || way == "throws" || way == "cancel")
            for (std::uint64_t i = 0; i < 100; ++i) (void)pool.submit(nap, i);
        if (way == "map_async" || way == "all" || way == "throws" || way == "cancel")
            (void)pool.map_async(nap, plenum::indices(100));
        if (way == "imap" || way == "all" || way == "throws") {
            int read = 0;
            for (auto const value : pool.imap(nap, plenum::indices(1'000'000)))
                if (++read == 10 && value == 9) break;
        }
        if (way == "imap_thrown")
            for (auto const value : pool.imap(nap, plenum::indices(1'000'000)))
                if (value == 10) throw std::runtime_error("in the loop");
        if (way == "callbacks" || way == "all" || way == "cancel")
            for (std::uint64_t i = 0; i < 50; ++i)
                pool.submit(nap, i).on_done([](auto const&) {
                    std::this_thread::sleep_for(std::chrono::milliseconds(1));
                    std::puts("callback");
                    std::fflush(stdout);
                });
        if (way == "chain")  // each callback starts what the next one waits for
            pool.submit(nap, std::uint64_t{1}).on_done([&pool, nap](auto const&) {
                pool.submit(nap, std::uint64_t{2}).on_done([&pool, nap](auto const&) {
                    pool.map_async(nap, plenum::indices(20)).on_done([](auto const&) { std::puts("callback"); },
                                                                     [](std::exception_ptr) {});
                });
            });
        if (way == "cancel") pool.cancel();
        if (way == "throws") throw std::runtime_error("out of the body");
        return 5;
    });
}
