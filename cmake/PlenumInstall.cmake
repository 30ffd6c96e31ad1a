# `cmake --install`: the program, the headers, the library, and what find_package(plenum) needs.
include(CMakePackageConfigHelpers)

install(TARGETS plenum RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS plenum_plenum plenum_app plenum_pool plenum_comm plenum_sched plenum_io plenum_wire plenum_base
  plenum_hdf5 plenum_mpi plenum_image plenum_main EXPORT plenumTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY include/plenum TYPE INCLUDE)
install(FILES ${PROJECT_BINARY_DIR}/include/plenum/version.hpp DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/plenum)
install(EXPORT plenumTargets NAMESPACE plenum:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/plenum)
configure_package_config_file(cmake/plenumConfig.cmake.in ${PROJECT_BINARY_DIR}/plenumConfig.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/plenum)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/plenumConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/plenumConfig.cmake ${PROJECT_BINARY_DIR}/plenumConfigVersion.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/plenum)
