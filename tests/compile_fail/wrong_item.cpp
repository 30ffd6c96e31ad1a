// expect: Plenum: the task cannot be called with an item
// type: Item = double|callable<.*, double>
#include <plenum/plenum.hpp>

void wrong_item(plenum::Pool const& pool) {
    (void)pool.map([](std::string const& text) { return text.size(); }, std::vector<double>{1, 2});
}
