// Types, attributes, strings and simple datasets.
#include "hdf5/values.hpp"

#include <algorithm>
#include <limits>
#include <type_traits>

#include "io/packed_result.hpp"

namespace plenum::hdf5 {
namespace {

Handle string_type(std::size_t bytes) {
    auto type = call::t_copy(H5T_C_S1);
    call::t_set_size(type, bytes);
    call::t_set_cset(type, H5T_CSET_UTF8);
    return type;
}

Handle with_parents() {
    auto link = call::p_create(H5P_LINK_CREATE);
    call::p_set_create_intermediate_group(link, 1);
    return link;
}

// Length of the valid UTF-8 sequence at the start of `text`, or 0 (RFC 3629, section 4).
std::size_t utf8_length(std::string_view text) {
    auto const at = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
    auto const follows = [&](std::size_t i) { return (at(i) & 0xC0u) == 0x80u; };
    auto const lead = at(0);
    if (lead == 0) return 0;
    if (lead < 0x80) return 1;
    if (lead >= 0xC2 && lead <= 0xDF && follows(1)) return 2;
    if (lead >= 0xE0 && lead <= 0xEF && follows(1) && follows(2)) {
        bool const overlong = lead == 0xE0 && at(1) < 0xA0;
        bool const surrogate = lead == 0xED && at(1) > 0x9F;
        return overlong || surrogate ? 0 : 3;
    }
    if (lead >= 0xF0 && lead <= 0xF4 && follows(1) && follows(2) && follows(3)) {
        bool const overlong = lead == 0xF0 && at(1) < 0x90;
        bool const too_large = lead == 0xF4 && at(1) > 0x8F;
        return overlong || too_large ? 0 : 4;
    }
    return 0;
}

}  // namespace

hid_t native_type(ElementType type) {
    switch (type) {
        case ElementType::i8:
            return H5T_NATIVE_INT8;
        case ElementType::u8:
            return H5T_NATIVE_UINT8;
        case ElementType::i16:
            return H5T_NATIVE_INT16;
        case ElementType::u16:
            return H5T_NATIVE_UINT16;
        case ElementType::i32:
            return H5T_NATIVE_INT32;
        case ElementType::u32:
            return H5T_NATIVE_UINT32;
        case ElementType::i64:
            return H5T_NATIVE_INT64;
        case ElementType::u64:
            return H5T_NATIVE_UINT64;
        case ElementType::f32:
            return H5T_NATIVE_FLOAT;
        case ElementType::f64:
            return H5T_NATIVE_DOUBLE;
    }
    return H5I_INVALID_HID;
}

ElementType element_type(hid_t type) {
    auto const size = call::t_size(type);
    if (call::t_class(type) == H5T_FLOAT) return size <= 4 ? ElementType::f32 : ElementType::f64;
    bool const is_signed = call::t_sign(type) == H5T_SGN_2;
    if (size == 1) return is_signed ? ElementType::i8 : ElementType::u8;
    if (size == 2) return is_signed ? ElementType::i16 : ElementType::u16;
    if (size <= 4) return is_signed ? ElementType::i32 : ElementType::u32;
    return is_signed ? ElementType::i64 : ElementType::u64;
}

Handle make_space(Shape const& shape) {
    if (shape.empty()) return call::s_create(H5S_SCALAR);
    std::vector<hsize_t> const extents(shape.begin(), shape.end());
    return call::s_create_simple(static_cast<int>(extents.size()), extents.data());
}

std::string valid_text(std::string_view text) {
    std::string valid;
    valid.reserve(text.size());
    while (!text.empty()) {
        auto const length = utf8_length(text);
        valid += length == 0 ? std::string_view("\uFFFD") : text.substr(0, length);
        text.remove_prefix(std::max<std::size_t>(length, 1));
    }
    return valid;
}

void write_attribute(hid_t object, io::Attribute const& attribute) {
    auto const write = [&](hid_t type, void const* value) {
        auto const space = call::s_create(H5S_SCALAR);
        call::a_write(call::a_create(object, attribute.name.c_str(), type, space), type, value);
    };
    std::visit(
        [&]<class T>(T const& value) {
            if constexpr (std::is_same_v<T, std::string>) {
                auto const text = valid_text(value);
                auto const* const start = text.c_str();
                write(string_type(H5T_VARIABLE), &start);
            } else {
                write(native_type(element_type_of<T>()), &value);
            }
        },
        attribute.value);
}

std::vector<std::byte> missing_result(ElementType type, std::uint64_t bytes) {
    auto const filled = [&]<class T>(T value) {
        std::vector<T> const values(bytes / sizeof value, value);
        auto const view = std::as_bytes(std::span(values));
        return std::vector<std::byte>(view.begin(), view.end());
    };
    if (type == ElementType::f32) return filled(std::numeric_limits<float>::quiet_NaN());
    if (type == ElementType::f64) return filled(std::numeric_limits<double>::quiet_NaN());
    return {};
}

void write_units(hid_t object, std::string const& units) {
    if (!units.empty()) write_attribute(object, {"units", units});
}

bool path_exists(hid_t parent, std::string const& path) {
    if (path == "/") return true;
    // HDF5 refuses to look below a link that is not there.
    for (auto end = path.find('/', 1); end != std::string::npos; end = path.find('/', end + 1))
        if (!call::l_exists(parent, path.substr(0, end).c_str())) return false;
    return !path.empty() && call::l_exists(parent, path.c_str());
}

Handle require_group(hid_t parent, std::string const& path) {
    return path_exists(parent, path) ? call::g_open(parent, path.c_str())
                                     : call::g_create(parent, path.c_str(), with_parents());
}

Handle create_contiguous(hid_t parent, std::string const& path, ElementType type, Shape const& shape) {
    auto const creation = call::p_create(H5P_DATASET_CREATE);
    call::p_set_layout(creation, H5D_CONTIGUOUS);
    call::p_set_alloc_time(creation, H5D_ALLOC_TIME_EARLY);
    call::p_set_fill_time(creation, H5D_FILL_TIME_NEVER);
    return call::d_create(parent, path.c_str(), native_type(type), make_space(shape), with_parents(),
                          creation);
}

Handle create_dataset(hid_t parent, std::string const& path, ElementType type, Shape const& shape,
                      Storage const& storage) {
    if (storage.gzip == 0 || shape.empty() || count_of(shape) == 0)
        return create_contiguous(parent, path, type, shape);
    auto const chunk = io::chunk_shape(shape, size_of(type));
    std::vector<hsize_t> const extents(chunk.begin(), chunk.end());
    auto const creation = call::p_create(H5P_DATASET_CREATE);
    call::p_set_chunk(creation, static_cast<int>(extents.size()), extents.data());
    call::p_set_shuffle(creation);
    call::p_set_deflate(creation, static_cast<unsigned>(storage.gzip));
    return call::d_create(parent, path.c_str(), native_type(type), make_space(shape), with_parents(),
                          creation);
}

std::string read_text_attribute(hid_t object, char const* name) {
    if (!call::a_exists(object, name)) return {};
    auto const attribute = call::a_open(object, name);
    auto const type = call::a_type(attribute);
    if (call::t_class(type) != H5T_STRING || H5Tis_variable_str(type) <= 0) return {};
    char* text = nullptr;
    call::a_read(attribute, type, static_cast<void*>(&text));
    std::string const value(text == nullptr ? "" : text);
    H5free_memory(text);
    return value;
}

std::int64_t read_number_attribute(hid_t object, char const* name) {
    if (!call::a_exists(object, name)) return 0;
    auto const attribute = call::a_open(object, name);
    if (call::t_class(call::a_type(attribute)) != H5T_INTEGER) return 0;
    std::int64_t value = 0;
    call::a_read(attribute, H5T_NATIVE_INT64, &value);
    return value;
}

Handle write_dataset(hid_t parent, std::string const& path, ElementType type, Shape const& shape,
                     std::span<std::byte const> values) {
    auto dataset = create_contiguous(parent, path, type, shape);
    if (!values.empty()) call::d_write(dataset, native_type(type), H5S_ALL, H5S_ALL, values.data());
    return dataset;
}

void write_strings(hid_t parent, std::string const& path, std::vector<std::string> const& values) {
    std::vector<std::string> texts;
    std::vector<char const*> starts;
    texts.reserve(values.size());
    for (auto const& value : values) starts.push_back(texts.emplace_back(valid_text(value)).c_str());
    auto const type = string_type(H5T_VARIABLE);
    auto const dataset = call::d_create(parent, path.c_str(), type, make_space({values.size()}),
                                        with_parents(), call::p_create(H5P_DATASET_CREATE));
    if (!values.empty()) call::d_write(dataset, type, H5S_ALL, H5S_ALL, starts.data());
}

std::vector<std::string> read_strings(hid_t parent, std::string const& path) {
    auto const dataset = call::d_open(parent, path.c_str());
    auto const space = call::d_space(dataset);
    auto const type = string_type(H5T_VARIABLE);
    hsize_t rows = 0;
    call::s_extents(space, &rows);
    std::vector<char*> starts(rows, nullptr);
    if (rows > 0) call::d_read(dataset, type, static_cast<void*>(starts.data()));
    std::vector<std::string> texts;
    for (auto const* const start : starts) texts.emplace_back(start == nullptr ? "" : start);
    if (rows > 0) call::d_reclaim(type, space, static_cast<void*>(starts.data()));
    return texts;
}

void write_text(hid_t parent, std::string const& path, std::string const& text) {
    // Of fixed size: one block of bytes instead of an entry in a heap, whatever the length.
    auto const valid = valid_text(text);
    auto const type = string_type(std::max<std::size_t>(valid.size(), 1));
    call::t_set_strpad(type, H5T_STR_NULLPAD);
    auto const dataset = call::d_create(parent, path.c_str(), type, make_space({}), with_parents(),
                                        call::p_create(H5P_DATASET_CREATE));
    call::d_write(dataset, type, H5S_ALL, H5S_ALL, valid.c_str());
}

}  // namespace plenum::hdf5
