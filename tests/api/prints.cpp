// Tasks that print in every way, for output_lines.py; each line names the task that wrote it.
//   prints [ITEMS]
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <plenum/plenum.hpp>
#include <string>

namespace {

void compute_for_about_a_millisecond() {
    double volatile sum = 0;
    for (int i = 0; i < 300'000; ++i) sum = sum + i;
}

/// Way 0 to 9 of printing a line "<way> <task>".
void print(std::uint64_t task) {
    auto const line = "way " + std::to_string(task % 10) + " of " + std::to_string(task);
    switch (task % 10) {
        case 0:
            std::printf("%s\n", line.c_str());
            break;
        case 1:
            std::printf("%s", line.c_str());
            break;  // no newline
        case 2:
            std::cout << line << std::endl;
            break;
        case 3:
            std::cout << line;
            break;
        case 4: {
            auto const whole = line + '\n';
            [[maybe_unused]] auto const written = ::write(STDOUT_FILENO, whole.data(), whole.size());
            break;
        }
        case 5:  // one line in pieces over a while
            for (char const c : line) {
                [[maybe_unused]] auto const written = ::write(STDOUT_FILENO, &c, 1);
                if (c == ' ') compute_for_about_a_millisecond();
            }
            break;
        case 6:
            std::cerr << line << '\n';
            break;
        case 7:
            std::fputs(line.c_str(), stderr);
            break;
        case 8:
            for (int i = 0; i < 5; ++i) std::printf("%s\n", line.c_str());
            break;
        case 9:
            std::cout << line << '\n';
            std::cerr << line << '\n';
            break;
    }
}

}  // namespace

int main(int argc, char** argv) {
    auto const tasks = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 200;
    return plenum::run(argc, argv, [tasks](plenum::Pool& pool) {
        // Short tasks, long tasks, and tasks that die after they have printed.
        (void)pool.map(
            [](std::uint64_t i) {
                print(i);
                return 0;
            },
            plenum::indices(tasks));
        (void)pool.map(
            [](std::uint64_t i) {
                compute_for_about_a_millisecond();
                print(i + 100'000);
                compute_for_about_a_millisecond();
                return 0;
            },
            plenum::indices(tasks));
        auto const dying = pool.map(
            [](std::uint64_t i) {
                if (i % 10 == 0) {
                    auto const line = "last words of " + std::to_string(i + 200'000);
                    [[maybe_unused]] auto const written = ::write(STDERR_FILENO, line.data(), line.size());
                    std::abort();
                }
                print(i + 200'000);
                return 0;
            },
            plenum::indices(tasks), {.on_failure = plenum::OnFailure::collect});
        // A long line and an empty one.
        (void)pool.map(
            [](std::uint64_t i) {
                std::cout << "long " << i + 300'000 << ' ' << std::string(200'000, 'x') << "\n\n";
                return 0;
            },
            plenum::indices(4));
        std::cout << "failed " << dying.failures().size() << std::endl;
    });
}
