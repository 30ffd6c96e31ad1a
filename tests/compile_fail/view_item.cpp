// expect: Plenum: the items cannot travel.*std::string_view
// type: Item = std::basic_string_view|items_travel<std::basic_string_view
#include <plenum/plenum.hpp>
#include <string_view>

void view_item(plenum::Pool const& pool) {
    std::vector<std::string_view> const words{"a", "b"};
    auto const lengths = pool.map([](std::string_view word) { return word.size(); }, words);
    (void)lengths[0];
}
