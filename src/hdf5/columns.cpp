#include "hdf5/columns.hpp"

#include <numeric>

namespace plenum::hdf5 {
namespace {

herr_t take_name(hid_t /*group*/, char const* name, H5L_info_t const* /*info*/, void* data) noexcept {
    static_cast<std::vector<std::string>*>(data)->emplace_back(name);
    return 0;
}

}  // namespace

std::vector<std::string> names_in(hid_t parent, std::string const& group) {
    std::vector<std::string> names;
    if (path_exists(parent, group)) call::l_iterate(call::g_open(parent, group.c_str()), take_name, &names);
    return names;
}

std::vector<io::Attribute> read_attributes(hid_t object) {
    std::vector<std::string> names;
    call::a_iterate(
        object,
        [](hid_t, char const* name, H5A_info_t const*, void* data) -> herr_t {
            static_cast<std::vector<std::string>*>(data)->emplace_back(name);
            return 0;
        },
        &names);
    std::vector<io::Attribute> attributes;
    for (auto const& name : names) {
        auto const attribute = call::a_open(object, name.c_str());
        auto const type = call::a_type(attribute);
        auto const space = call::a_space(attribute);
        if (call::s_class(space) != H5S_SCALAR) continue;
        switch (call::t_class(type)) {
            case H5T_INTEGER:
                attributes.push_back({name, read_number_attribute(object, name.c_str())});
                break;
            case H5T_FLOAT: {
                double value = 0;
                call::a_read(attribute, H5T_NATIVE_DOUBLE, &value);
                attributes.push_back({name, value});
                break;
            }
            case H5T_STRING:
                attributes.push_back({name, read_text_attribute(object, name.c_str())});
                break;
            default:
                break;
        }
    }
    return attributes;
}

std::vector<std::uint64_t> extents_of(hid_t dataset) {
    auto const space = call::d_space(dataset);
    std::vector<hsize_t> extents(static_cast<std::size_t>(call::s_rank(space)));
    if (!extents.empty()) call::s_extents(space, extents.data());
    return {extents.begin(), extents.end()};
}

std::vector<std::byte> read_rows(hid_t dataset, ElementType as, std::uint64_t first, std::uint64_t count) {
    auto const extents = extents_of(dataset);
    if (extents.empty() || first > extents[0] || count > extents[0] - first)
        throw CallError("a dataset is shorter than its table says");
    std::vector<hsize_t> start(extents.size(), 0), counts(extents.begin(), extents.end());
    start.front() = first;
    counts.front() = count;
    std::vector<std::byte> bytes(count_of({counts.begin(), counts.end()}) * size_of(as));
    if (bytes.empty()) return bytes;
    auto const place = call::d_space(dataset);
    call::s_select_block(place, start.data(), counts.data());
    auto const memory = call::s_create_simple(static_cast<int>(counts.size()), counts.data());
    call::d_read_block(dataset, native_type(as), memory, place, bytes.data());
    return bytes;
}

std::string read_text(hid_t parent, std::string const& path) {
    if (!path_exists(parent, path)) return {};
    auto const dataset = call::d_open(parent, path.c_str());
    auto const type = call::d_type(dataset);
    if (call::t_class(type) != H5T_STRING || H5Tis_variable_str(type) != 0)
        throw CallError(path + " is no text");
    std::string text(call::t_size(type), '\0');
    call::d_read(dataset, type, text.data());
    text.resize(text.find_last_not_of('\0') + 1);
    return text;
}

}  // namespace plenum::hdf5
