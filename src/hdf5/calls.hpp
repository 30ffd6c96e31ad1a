// One checked wrapper for each HDF5 function in use, so that no check can be forgotten. Only for this folder.
#pragma once

#include <hdf5.h>
#include <hdf5_hl.h>

#include <plenum/error.hpp>

#include "hdf5/handle.hpp"

namespace plenum::hdf5 {

/// An HDF5 function failed. The message is the innermost reason that HDF5 gives, without a file name: whoever
/// knows what was being done catches it and says so.
class CallError : public EnvironmentError {
public:
    using EnvironmentError::EnvironmentError;
};

/// Throws a CallError with the innermost reason on HDF5's error stack.
[[noreturn]] void throw_call_error(char const* function);

template <class Result>
Result checked(Result result, char const* function) {
    if (result < 0) throw_call_error(function);
    return result;
}

namespace call {

inline Handle f_create(char const* path, hid_t access) {
    return {checked(H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, access), "H5Fcreate"), H5Fclose};
}
inline Handle f_open(char const* path, unsigned flags, hid_t access) {
    return {checked(H5Fopen(path, flags, access), "H5Fopen"), H5Fclose};
}
inline bool f_is_hdf5(char const* path) {
    return checked(H5Fis_hdf5(path), "H5Fis_hdf5") > 0;
}

inline Handle p_create(hid_t property_class) {
    return {checked(H5Pcreate(property_class), "H5Pcreate"), H5Pclose};
}
inline void p_set_layout(hid_t list, H5D_layout_t layout) {
    checked(H5Pset_layout(list, layout), "H5Pset_layout");
}
inline void p_set_alloc_time(hid_t list, H5D_alloc_time_t time) {
    checked(H5Pset_alloc_time(list, time), "H5Pset_alloc_time");
}
inline void p_set_fill_time(hid_t list, H5D_fill_time_t time) {
    checked(H5Pset_fill_time(list, time), "H5Pset_fill_time");
}
inline void p_set_fill_value(hid_t list, hid_t type, void const* value) {
    checked(H5Pset_fill_value(list, type, value), "H5Pset_fill_value");
}
inline void p_set_chunk(hid_t list, int rank, hsize_t const* extents) {
    checked(H5Pset_chunk(list, rank, extents), "H5Pset_chunk");
}
inline void p_set_shuffle(hid_t list) {
    checked(H5Pset_shuffle(list), "H5Pset_shuffle");
}
inline void p_set_deflate(hid_t list, unsigned level) {
    checked(H5Pset_deflate(list, level), "H5Pset_deflate");
}
inline void p_set_alignment(hid_t list, hsize_t threshold, hsize_t alignment) {
    checked(H5Pset_alignment(list, threshold, alignment), "H5Pset_alignment");
}
inline void p_set_fclose_degree(hid_t list, H5F_close_degree_t degree) {
    checked(H5Pset_fclose_degree(list, degree), "H5Pset_fclose_degree");
}
inline void p_set_file_locking(hid_t list, hbool_t use, hbool_t ignore_when_disabled) {
    checked(H5Pset_file_locking(list, use, ignore_when_disabled), "H5Pset_file_locking");
}
inline void p_set_create_intermediate_group(hid_t list, unsigned create) {
    checked(H5Pset_create_intermediate_group(list, create), "H5Pset_create_intermediate_group");
}

inline Handle g_create(hid_t parent, char const* path, hid_t link) {
    return {checked(H5Gcreate2(parent, path, link, H5P_DEFAULT, H5P_DEFAULT), "H5Gcreate2"), H5Gclose};
}
inline Handle g_open(hid_t parent, char const* path) {
    return {checked(H5Gopen2(parent, path, H5P_DEFAULT), "H5Gopen2"), H5Gclose};
}
inline bool l_exists(hid_t parent, char const* name) {
    return checked(H5Lexists(parent, name, H5P_DEFAULT), "H5Lexists") > 0;
}
inline void l_iterate(hid_t group, H5L_iterate_t visit, void* data) {
    checked(H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, nullptr, visit, data), "H5Literate");
}
inline void l_delete(hid_t parent, char const* path) {
    checked(H5Ldelete(parent, path, H5P_DEFAULT), "H5Ldelete");
}
inline void o_copy(hid_t from, char const* path, hid_t to, hid_t link) {
    checked(H5Ocopy(from, path, to, path, H5P_DEFAULT, link), "H5Ocopy");
}
inline void o_visit(hid_t object, H5O_iterate_t visit, void* data) {
    checked(H5Ovisit(object, H5_INDEX_NAME, H5_ITER_NATIVE, visit, data), "H5Ovisit");
}

inline Handle s_create(H5S_class_t kind) {
    return {checked(H5Screate(kind), "H5Screate"), H5Sclose};
}
inline Handle s_create_simple(int rank, hsize_t const* extents) {
    return {checked(H5Screate_simple(rank, extents, nullptr), "H5Screate_simple"), H5Sclose};
}
inline void s_select_block(hid_t space, hsize_t const* start, hsize_t const* count) {
    checked(H5Sselect_hyperslab(space, H5S_SELECT_SET, start, nullptr, count, nullptr),
            "H5Sselect_hyperslab");
}
inline int s_rank(hid_t space) {
    return checked(H5Sget_simple_extent_ndims(space), "H5Sget_simple_extent_ndims");
}
inline void s_extents(hid_t space, hsize_t* extents) {
    checked(H5Sget_simple_extent_dims(space, extents, nullptr), "H5Sget_simple_extent_dims");
}
inline H5S_class_t s_class(hid_t space) {
    return checked(H5Sget_simple_extent_type(space), "H5Sget_simple_extent_type");
}

inline Handle d_create(hid_t parent, char const* path, hid_t type, hid_t space, hid_t link, hid_t creation) {
    return {checked(H5Dcreate2(parent, path, type, space, link, creation, H5P_DEFAULT), "H5Dcreate2"),
            H5Dclose};
}
inline Handle d_open(hid_t parent, char const* path) {
    return {checked(H5Dopen2(parent, path, H5P_DEFAULT), "H5Dopen2"), H5Dclose};
}
inline Handle d_space(hid_t dataset) {
    return {checked(H5Dget_space(dataset), "H5Dget_space"), H5Sclose};
}
inline Handle d_type(hid_t dataset) {
    return {checked(H5Dget_type(dataset), "H5Dget_type"), H5Tclose};
}
inline void d_write(hid_t dataset, hid_t type, hid_t memory, hid_t place, void const* data) {
    checked(H5Dwrite(dataset, type, memory, place, H5P_DEFAULT, data), "H5Dwrite");
}
/// A whole chunk as its filters would have made it.
inline void d_write_chunk(hid_t dataset, hsize_t const* place, std::size_t bytes, void const* data) {
    checked(H5Dwrite_chunk(dataset, H5P_DEFAULT, 0, place, bytes, data), "H5Dwrite_chunk");
}
inline void d_read(hid_t dataset, hid_t type, void* into) {
    checked(H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, into), "H5Dread");
}
inline void d_read_block(hid_t dataset, hid_t type, hid_t memory, hid_t place, void* into) {
    checked(H5Dread(dataset, type, memory, place, H5P_DEFAULT, into), "H5Dread");
}
inline void d_reclaim(hid_t type, hid_t space, void* values) {
    checked(H5Dvlen_reclaim(type, space, H5P_DEFAULT, values), "H5Dvlen_reclaim");
}
inline haddr_t d_offset(hid_t dataset) {
    auto const offset = H5Dget_offset(dataset);
    if (offset == HADDR_UNDEF) throw_call_error("H5Dget_offset");
    return offset;
}

inline Handle t_copy(hid_t type) {
    return {checked(H5Tcopy(type), "H5Tcopy"), H5Tclose};
}
inline void t_set_size(hid_t type, std::size_t bytes) {
    checked(H5Tset_size(type, bytes), "H5Tset_size");
}
inline void t_set_cset(hid_t type, H5T_cset_t set) {
    checked(H5Tset_cset(type, set), "H5Tset_cset");
}
inline void t_set_strpad(hid_t type, H5T_str_t padding) {
    checked(H5Tset_strpad(type, padding), "H5Tset_strpad");
}
inline H5T_class_t t_class(hid_t type) {
    return checked(H5Tget_class(type), "H5Tget_class");
}
inline H5T_sign_t t_sign(hid_t type) {
    return checked(H5Tget_sign(type), "H5Tget_sign");
}
inline std::size_t t_size(hid_t type) {
    auto const size = H5Tget_size(type);
    if (size == 0) throw_call_error("H5Tget_size");
    return size;
}

inline Handle a_create(hid_t object, char const* name, hid_t type, hid_t space) {
    return {checked(H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT), "H5Acreate2"), H5Aclose};
}
inline bool a_exists(hid_t object, char const* name) {
    return checked(H5Aexists(object, name), "H5Aexists") > 0;
}
inline Handle a_open(hid_t object, char const* name) {
    return {checked(H5Aopen(object, name, H5P_DEFAULT), "H5Aopen"), H5Aclose};
}
inline Handle a_type(hid_t attribute) {
    return {checked(H5Aget_type(attribute), "H5Aget_type"), H5Tclose};
}
inline Handle a_space(hid_t attribute) {
    return {checked(H5Aget_space(attribute), "H5Aget_space"), H5Sclose};
}
inline void a_iterate(hid_t object, H5A_operator2_t visit, void* data) {
    checked(H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, nullptr, visit, data), "H5Aiterate2");
}
inline void a_read(hid_t attribute, hid_t type, void* into) {
    checked(H5Aread(attribute, type, into), "H5Aread");
}
inline void a_write(hid_t attribute, hid_t type, void const* value) {
    checked(H5Awrite(attribute, type, value), "H5Awrite");
}

inline void ds_set_scale(hid_t dataset, char const* name) {
    checked(H5DSset_scale(dataset, name), "H5DSset_scale");
}
inline void ds_attach_scale(hid_t dataset, hid_t scale, unsigned dimension) {
    checked(H5DSattach_scale(dataset, scale, dimension), "H5DSattach_scale");
}
inline void ds_set_label(hid_t dataset, unsigned dimension, char const* label) {
    checked(H5DSset_label(dataset, dimension, label), "H5DSset_label");
}

}  // namespace call
}  // namespace plenum::hdf5
