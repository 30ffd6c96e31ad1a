// Checks the description of a map and creates its objects.
#include "hdf5/map_layout.hpp"

#include <fmt/format.h>

#include <plenum/error.hpp>

#include "hdf5/values.hpp"

namespace plenum::hdf5 {
namespace {

UsageError wrong(io::MapSpec const& spec, std::string const& problem) {
    return UsageError(fmt::format("map '{}': {}", spec.name, problem));
}

bool is_name(std::string const& name) {
    return !name.empty() && name != "." && name.find('/') == std::string::npos;
}

/// Whether /results/<scale> is a scale of an earlier map and says the same.
bool exists_already(io::Scale const& scale, std::span<io::MapRecord const> earlier) {
    for (auto const& map : earlier) {
        if (map.spec.name == scale.name) return false;
        for (auto const& other : map.spec.scales) {
            if (other.name == scale.name) return other.values == scale.values && other.units == scale.units;
        }
    }
    return false;
}

void add_scale(File& file, io::MapSpec const& spec, io::Scale const& scale,
               std::span<io::MapRecord const> earlier, hid_t object) {
    auto const attach = [&](hid_t dataset) {
        // The offsets of a ragged map are one longer than its task dimension: nothing to attach to.
        if (spec.fixed) call::ds_attach_scale(object, dataset, static_cast<unsigned>(scale.dimension));
    };
    if (exists_already(scale, earlier)) return attach(call::d_open(file, ("/results/" + scale.name).c_str()));
    auto path = "/results/" + scale.name;
    if (path_exists(file, path)) path = fmt::format("/results/{}_{}", spec.name, scale.name);
    if (path_exists(file, path))
        throw wrong(spec, fmt::format("no room for scale '{}' ({} exists); rename it", scale.name, path));
    auto const dataset = write_column(file, path, scale.values);
    write_units(dataset, scale.units);
    call::ds_set_scale(dataset, scale.name.c_str());
    attach(dataset);
}

}  // namespace

Shape whole_shape(io::MapSpec const& spec) {
    Shape shape{spec.tasks};
    if (spec.fixed) shape.insert(shape.end(), spec.shape.begin(), spec.shape.end());
    return shape;
}

void check_map(io::MapSpec const& spec) {
    if (!is_name(spec.name)) throw wrong(spec, "not a name (empty or with '/'); choose another");
    auto const shape = whole_shape(spec);
    if (!spec.dimensions.empty() && spec.dimensions.size() != shape.size())
        throw wrong(spec, fmt::format("{} names for {} dimensions; name all or none", spec.dimensions.size(),
                                      shape.size()));
    for (auto const& scale : spec.scales) {
        if (!is_name(scale.name))
            throw wrong(spec, fmt::format("'{}' is not a name for a scale; choose another", scale.name));
        if (scale.dimension >= shape.size())
            throw wrong(spec, fmt::format("scale '{}' is for dimension {}, but there are {}", scale.name,
                                          scale.dimension, shape.size()));
        if (scale.values.size() != shape[scale.dimension])
            throw wrong(spec, fmt::format("scale '{}' has {} values for a dimension of length {}", scale.name,
                                          scale.values.size(), shape[scale.dimension]));
    }
}

std::uint64_t add_map(File& file, io::MapSpec const& spec, std::span<io::MapRecord const> earlier,
                      Storage const& storage) {
    auto const path = "/results/" + spec.name;
    if (path_exists(file, path))
        throw wrong(spec, fmt::format("{} exists (another map or a scale); choose another name", path));
    auto const shape = whole_shape(spec);
    auto const object =
        spec.fixed ? create_dataset(file, path, spec.type, shape, storage) : require_group(file, path);
    std::uint64_t offset = 0;
    if (spec.fixed) {
        if (count_of(shape) > 0 && storage.gzip == 0) offset = call::d_offset(object);
        write_units(object, spec.units);
        for (unsigned i = 0; i < spec.dimensions.size(); ++i)
            call::ds_set_label(object, i, spec.dimensions[i].c_str());
    } else {
        write_attribute(object, {"tasks", static_cast<std::int64_t>(spec.tasks)});
    }
    write_attribute(object, {"version", std::int64_t{spec.version}});
    for (auto const& attribute : spec.attributes) write_attribute(object, attribute);
    for (auto const& scale : spec.scales) add_scale(file, spec, scale, earlier, object);
    return offset;
}

}  // namespace plenum::hdf5
