# Every third-party library and the reason for it. Each is a Debian package (tools/setup lists them).
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(MPI REQUIRED COMPONENTS C)      # linked to plenum_mpi only
find_package(fmt REQUIRED)                   # messages: GCC 12 has no <format>
find_package(CLI11 REQUIRED)                 # command line, plenum_app only
find_package(Eigen3 REQUIRED NO_MODULE)      # plenum/eigen.hpp and the jobs
find_package(cereal REQUIRED)                # arguments and results that are not plain bytes
find_package(ZLIB REQUIRED)                  # compressed results, and the jobs that read compressed data
find_package(nlohmann_json REQUIRED)         # machine-readable output
pkg_check_modules(HWLOC REQUIRED IMPORTED_TARGET hwloc)  # which cores a rank may use

# Serial HDF5 is the default; an installation that has only a parallel build works too.
pkg_search_module(PLENUM_HDF5 REQUIRED IMPORTED_TARGET hdf5-serial hdf5 hdf5-openmpi hdf5-mpich)

# Random123, header only, for plenum/random.hpp; compiled in, so that users of Plenum need not have it.
find_path(RANDOM123_INCLUDE_DIR Random123/philox.h REQUIRED)

# toml++, used header only, for files of options: plenum_app only.
find_path(TOMLPLUSPLUS_INCLUDE_DIR toml++/toml.h REQUIRED)

# stb, header only: plenum_image reads pictures, jobs write them.
find_path(STB_INCLUDE_DIR stb/stb_image.h REQUIRED)
