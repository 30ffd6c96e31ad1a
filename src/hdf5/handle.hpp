// An HDF5 identifier with one owner. Only for the sources of this folder.
#pragma once

#include <hdf5.h>

#include <utility>

namespace plenum::hdf5 {

class Handle {
public:
    using Closer = herr_t (*)(hid_t);

    Handle() noexcept = default;
    Handle(hid_t id, Closer closer) noexcept : id_(id), closer_(closer) {}
    Handle(Handle const&) = delete;
    Handle& operator=(Handle const&) = delete;
    Handle(Handle&& other) noexcept
        : id_(std::exchange(other.id_, H5I_INVALID_HID)), closer_(other.closer_) {}
    Handle& operator=(Handle&& other) noexcept {
        std::swap(id_, other.id_);
        std::swap(closer_, other.closer_);
        return *this;
    }
    ~Handle() {
        if (id_ >= 0) closer_(id_);
    }

    /// So that a handle can stand where the C functions expect an identifier.
    operator hid_t() const noexcept { return id_; }
    /// Closes and returns the result of the C function; does nothing when there is nothing to close.
    [[nodiscard]] herr_t close() noexcept {
        return id_ >= 0 ? closer_(std::exchange(id_, H5I_INVALID_HID)) : 0;
    }

private:
    hid_t id_ = H5I_INVALID_HID;
    Closer closer_ = nullptr;
};

}  // namespace plenum::hdf5
