// Opens a dataset, checks that it is numeric, and explains what is wrong if it is not.
#include "hdf5/dataset_source.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <plenum/error.hpp>

#include "base/unique_fd.hpp"
#include "hdf5/file.hpp"
#include "hdf5/values.hpp"

namespace plenum::hdf5 {
namespace {

constexpr std::size_t listed_datasets = 8;

struct Listing {
    std::vector<std::string> names;
    bool complete = true;
};

herr_t list_dataset(hid_t /*object*/, char const* name, H5O_info_t const* info, void* data) noexcept {
    if (info->type != H5O_TYPE_DATASET) return 0;
    auto& listing = *static_cast<Listing*>(data);
    if (listing.names.size() == listed_datasets) {
        listing.complete = false;
        return 1;
    }
    listing.names.emplace_back(name);
    return 0;
}

std::string describe_datasets(hid_t file) {
    Listing listing;
    call::o_visit(file, list_dataset, &listing);
    if (listing.names.empty()) return "it holds no dataset";
    return fmt::format("it holds {}{}", fmt::join(listing.names, ", "), listing.complete ? "" : ", ...");
}

/// Opens `dataset` of `file` and calls use(dataset handle, info); turns failures into lines for users.
template <class Use>
void with_dataset(std::string const& path, std::string const& dataset, Use&& use) {
    // HDF5 hides the reason why a file cannot be opened.
    if (base::UniqueFd const probe(::open(path.c_str(), O_RDONLY | O_CLOEXEC)); !probe)
        throw EnvironmentError(
            fmt::format("{}: cannot be opened ({}); check the file name", path, std::strerror(errno)));
    if (std::filesystem::is_directory(path))
        throw EnvironmentError(fmt::format("{} is a folder; give an HDF5 file in it", path));
    LibraryLock const lock;
    try {
        if (!call::f_is_hdf5(path.c_str()))
            throw EnvironmentError(fmt::format("{}: not an HDF5 file; give a file written by HDF5", path));
        File file(path, FileMode::read);
        if (dataset == "/" || !path_exists(file, dataset))
            throw EnvironmentError(fmt::format("{}: no dataset '{}' ({}); check the name", path, dataset,
                                               describe_datasets(file)));
        auto const handle = call::d_open(file, dataset.c_str());
        auto const type = call::d_type(handle);
        if (auto const kind = call::t_class(type); kind != H5T_INTEGER && kind != H5T_FLOAT)
            throw EnvironmentError(fmt::format(
                "{}: dataset '{}' is not numeric; choose one of integers or floating-point numbers", path,
                dataset));
        auto const space = call::d_space(handle);
        if (call::s_class(space) == H5S_NULL)
            throw EnvironmentError(
                fmt::format("{}: dataset '{}' is empty (it has no shape); choose another", path, dataset));
        std::vector<hsize_t> extents(static_cast<std::size_t>(call::s_rank(space)));
        call::s_extents(space, extents.data());
        use(handle,
            io::DatasetInfo{.type = element_type(type), .shape = Shape(extents.begin(), extents.end())});
    } catch (CallError const& error) {
        throw EnvironmentError(
            fmt::format("{}: dataset '{}' cannot be read ({}); check the file with h5dump, or copy it again",
                        path, dataset, error.what()));
    }
}

class Hdf5DatasetSource final : public io::DatasetSource {
public:
    io::DatasetInfo info(std::string const& file, std::string const& dataset) override {
        io::DatasetInfo result;
        with_dataset(file, dataset, [&](hid_t, io::DatasetInfo const& info) { result = info; });
        return result;
    }

    void read(std::string const& file, std::string const& dataset, ElementType as,
              std::span<std::byte> into) override {
        with_dataset(file, dataset, [&](hid_t handle, io::DatasetInfo const& info) {
            if (auto const count = count_of(info.shape); into.size() != count * size_of(as))
                throw UsageError(
                    fmt::format("{}: dataset '{}' has {} elements, which as {} do not fit {} bytes", file,
                                dataset, count, name_of(as), into.size()));
            if (!into.empty()) call::d_read(handle, native_type(as), into.data());
        });
    }
};

}  // namespace

std::unique_ptr<io::DatasetSource> make_dataset_source() {
    return std::make_unique<Hdf5DatasetSource>();
}

}  // namespace plenum::hdf5
