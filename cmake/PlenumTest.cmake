# plenum_test(NAME SOURCES files... LINK targets... [RANKS 1 2 3 8] [TIMEOUT seconds])
# Without RANKS: a plain GoogleTest program. With RANKS: one test for each number of ranks under mpirun,
# labelled mpi and ranksN. More ranks than cores is normal here, so the settings that need it are made for the test.
set(PLENUM_MPI_TEST_ENVIRONMENT
  "OMPI_ALLOW_RUN_AS_ROOT=1" "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1" "OMPI_MCA_rmaps_base_oversubscribe=1"
  "OMPI_MCA_mpi_yield_when_idle=1" "OMPI_MCA_hwloc_base_binding_policy=none" "OMPI_MCA_pml=ob1"
  "OMPI_MCA_btl=self,vader,tcp")

function(plenum_test name)
  cmake_parse_arguments(arg "" "TIMEOUT" "SOURCES;LINK;RANKS" ${ARGN})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  add_executable(test_${name} ${arg_SOURCES})
  target_include_directories(test_${name} PRIVATE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/tests)
  target_link_libraries(test_${name} PRIVATE plenum_flags ${arg_LINK} GTest::gmock)
  if(NOT arg_RANKS)
    target_link_libraries(test_${name} PRIVATE GTest::gtest_main)
    add_test(NAME ${name} COMMAND test_${name})
    set_tests_properties(${name} PROPERTIES TIMEOUT ${arg_TIMEOUT})
    return()
  endif()
  target_link_libraries(test_${name} PRIVATE GTest::gtest)
  foreach(ranks IN LISTS arg_RANKS)
    add_test(NAME ${name}.ranks${ranks} COMMAND ${MPIEXEC_EXECUTABLE} -n ${ranks} $<TARGET_FILE:test_${name}>)
    set_tests_properties(${name}.ranks${ranks} PROPERTIES TIMEOUT ${arg_TIMEOUT} PROCESSORS 2
      LABELS "mpi;ranks${ranks}" ENVIRONMENT "${PLENUM_MPI_TEST_ENVIRONMENT}")
  endforeach()
endfunction()
