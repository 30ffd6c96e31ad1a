// What the messages of the other files of this folder suggest compiles.
#include <plenum/plenum.hpp>
#include <string>

struct Table {
    std::vector<double> values;
    double operator()(std::uint64_t i) const { return values[i]; }
    template <class Archive>
    void serialize(Archive& archive) {
        archive(values);
    }
};

std::uint64_t square(std::uint64_t i) {
    return i * i;
}

void ways_out(plenum::Pool const& pool) {
    (void)pool.map([](std::uint64_t) { return 3; }, plenum::indices(3));
    (void)pool.map(Table{{1, 2, 3}}, plenum::indices(3));
    auto const values = pool.share(std::vector<double>(3));
    (void)pool.map([values = values.ref()](std::uint64_t i) { return values[i]; }, plenum::indices(3));
    (void)pool.map([](std::string const& word) { return word.size(); }, std::vector<std::string>{"a", "b"});
    (void)pool.map([](std::uint64_t, std::span<float> out) { out[0] = 1; }, plenum::indices(3), {.shape = {1}});
    (void)pool.map(square, plenum::indices(3));
    (void)pool.map(&square, plenum::indices(3));
}
