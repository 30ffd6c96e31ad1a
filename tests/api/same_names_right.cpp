// Tasks with the same names as in same_names_left.cpp: lambdas, types and actors of functions that no other
// file sees.
#include <string>

#include "same_names.hpp"

namespace plenum::api_test {
namespace {

struct Add {
    int amount = 0;
    std::uint64_t operator()(std::uint64_t i) const { return i + static_cast<std::uint64_t>(amount) + 2000; }
};

class Tally {
public:
    explicit Tally(int start) : value_(start + 2000) {}
    int add(int amount) { return value_ += amount; }

private:
    int value_;
};

std::uint64_t lambda(Pool& pool) {
    return pool.map([](std::uint64_t i) { return i + 2000; }, plenum::indices(8))[7];
}

Found run(Pool& pool) {
    auto state = pool.worker_state([] { return std::uint64_t{2000}; });
    auto const with_state = state.with([](std::uint64_t const& there, std::uint64_t i) { return there + i; });
    auto tally = pool.actor<Tally>({}, 1);
    return {.lambda = lambda(pool),
            .object = pool.map(Add{1}, plenum::indices(8))[7],
            .call = pool.submit([](int i) { return i + 2000; }, 7).get(),
            .text = pool.map([](std::string const& word) { return word + " right"; },
                             std::vector<std::string>{"the"})[0],
            .state = pool.map(with_state, plenum::indices(8))[7],
            .actor = tally.call<&Tally::add>(6).get()};
}

}  // namespace

Found found_right(Pool& pool) {
    return run(pool);
}

}  // namespace plenum::api_test
