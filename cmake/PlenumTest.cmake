# plenum_test(NAME SOURCES files... LINK targets... [RANKS 1 2 3 8] [NODES 2x2 3x1] [LABELS labels...]
#   [TIMEOUT seconds] [WAITS] [COST seconds])
# Without RANKS and NODES: a GoogleTest program, labelled with its layer (the folder of its first source).
# RANKS: one test for each number of ranks under mpirun, labelled mpi and ranksN. NODES: one test for each
# NODESxSLOTS, or A+B for nodes of A and B ranks, on emulated nodes (tests/cluster/nodes-mpirun), labelled mpi and nodes. Those programs bring
# their own main. More ranks than cores is normal here, so the settings that need it are made for the test.
# The targets tests_LAYER build the plain programs of one layer. LABELS threads: also part of the TSan run.
#
# PROCESSORS are places, of which a core has two: tools/test runs ctest -j4 for two cores. A test takes two, which is a
# core; one if it mostly waits (WAITS: for the disk, for limits of time, for mpirun, which takes two seconds to end a run
# with an exit code that is not 0); four if it compiles or measures. COST: seconds of a long test, which begins first,
# also where no run before has measured it.
set(PLENUM_MPI_TEST_ENVIRONMENT
  "OMPI_ALLOW_RUN_AS_ROOT=1" "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1" "OMPI_MCA_rmaps_base_oversubscribe=1"
  "OMPI_MCA_mpi_yield_when_idle=1" "OMPI_MCA_hwloc_base_binding_policy=none" "OMPI_MCA_pml=ob1"
  "OMPI_MCA_btl=self,vader,tcp")

set(PLENUM_TEST_ENVIRONMENT "UBSAN_OPTIONS=print_stacktrace=1"
  "TSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/tests/tsan.supp")
set(PLENUM_TEST_LAUNCHER "")
if(PLENUM_SANITIZE)
  # Everything takes a multiple of its time: of limits against hangs, here and in the scripts, and of what is timed.
  set(PLENUM_TEST_PATIENCE 4)
  list(APPEND PLENUM_TEST_ENVIRONMENT "PLENUM_TEST_PATIENCE=${PLENUM_TEST_PATIENCE}")
  # Freed memory is kept from use for a short while only: there are tests that nothing grows.
  set(short "quarantine_size_mb=4:thread_local_quarantine_size_kb=64")
  list(APPEND PLENUM_TEST_ENVIRONMENT "ASAN_OPTIONS=${short}")
  # What Open MPI never frees is reported without a name, as its plugins are closed by then: so no leak check.
  list(APPEND PLENUM_MPI_TEST_ENVIRONMENT ${PLENUM_TEST_ENVIRONMENT} "ASAN_OPTIONS=detect_leaks=0:${short}")
endif()
if(PLENUM_SANITIZE MATCHES "thread")
  set(PLENUM_TEST_LAUNCHER setarch -R)  # TSan of GCC 12 cannot start where address randomisation is wide
endif()

# PLENUM_PYTHON: the first python3 that has h5py and numpy; one in front of the system's may lack them.
function(plenum_python_is_complete result python)
  execute_process(COMMAND ${python} -c "import h5py, numpy" RESULT_VARIABLE status OUTPUT_QUIET ERROR_QUIET)
  if(NOT status EQUAL 0)
    set(${result} FALSE PARENT_SCOPE)
  endif()
endfunction()
find_program(PLENUM_PYTHON python3 VALIDATOR plenum_python_is_complete REQUIRED)

foreach(layer base wire sched comm io mpi hdf5 pool app)
  add_custom_target(tests_${layer})
endforeach()

function(plenum_test name)
  cmake_parse_arguments(arg "WAITS" "TIMEOUT;COST" "SOURCES;LINK;RANKS;NODES;LABELS" ${ARGN})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  if(NOT arg_COST)
    set(arg_COST 0)
  endif()
  set(places 2)
  if(arg_WAITS)
    set(places 1)
  endif()
  add_executable(test_${name} ${arg_SOURCES})
  target_include_directories(test_${name} PRIVATE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/tests)
  target_link_libraries(test_${name} PRIVATE plenum_flags ${arg_LINK} GTest::gmock)
  if(NOT arg_RANKS AND NOT arg_NODES)
    list(GET arg_SOURCES 0 first_source)
    string(REGEX REPLACE "/.*" "" layer "${first_source}")
    if(TARGET tests_${layer})
      add_dependencies(tests_${layer} test_${name})
    endif()
    target_link_libraries(test_${name} PRIVATE GTest::gtest_main)
    add_test(NAME ${name} COMMAND ${PLENUM_TEST_LAUNCHER} $<TARGET_FILE:test_${name}>)
    set_tests_properties(${name} PROPERTIES TIMEOUT ${arg_TIMEOUT} PROCESSORS ${places} COST ${arg_COST}
      LABELS "${layer};${arg_LABELS}" ENVIRONMENT "${PLENUM_TEST_ENVIRONMENT}")
    return()
  endif()
  target_link_libraries(test_${name} PRIVATE GTest::gtest)
  foreach(ranks IN LISTS arg_RANKS)
    add_test(NAME ${name}.ranks${ranks} COMMAND
      ${MPIEXEC_EXECUTABLE} -n ${ranks} ${PLENUM_TEST_LAUNCHER} $<TARGET_FILE:test_${name}>)
    plenum_mpi_test_properties(${name}.ranks${ranks} ranks${ranks})
  endforeach()
  foreach(shape IN LISTS arg_NODES)
    if(shape MATCHES "\\+")
      string(REPLACE "+" "," slots ${shape})
      string(REGEX MATCHALL "\\+" plus ${shape})
      list(LENGTH plus nodes)
      math(EXPR nodes "${nodes} + 1")
    else()
      string(REPLACE "x" ";" numbers ${shape})
      list(GET numbers 0 nodes)
      list(GET numbers 1 slots)
    endif()
    add_test(NAME ${name}.nodes${shape} COMMAND ${PROJECT_SOURCE_DIR}/tests/cluster/nodes-mpirun
      -N ${nodes} -s ${slots} ${PLENUM_TEST_LAUNCHER} $<TARGET_FILE:test_${name}>)
    plenum_mpi_test_properties(${name}.nodes${shape} nodes)
  endforeach()
endfunction()

# At the end of a folder with tests: its limits of time are longer with sanitizers.
function(plenum_patient_tests)
  if(NOT PLENUM_TEST_PATIENCE)
    return()
  endif()
  get_property(tests DIRECTORY PROPERTY TESTS)
  foreach(test IN LISTS tests)
    get_test_property(${test} TIMEOUT seconds)
    if(seconds)
      math(EXPR seconds "${seconds} * ${PLENUM_TEST_PATIENCE}")
      set_tests_properties(${test} PROPERTIES TIMEOUT ${seconds})
    endif()
  endforeach()
endfunction()

# What every test under mpirun gets; a part of plenum_test, whose arguments it sees.
macro(plenum_mpi_test_properties test label)
  set_tests_properties(${test} PROPERTIES TIMEOUT ${arg_TIMEOUT} PROCESSORS ${places} COST ${arg_COST}
    LABELS "mpi;${label};${arg_LABELS}" ENVIRONMENT "${PLENUM_MPI_TEST_ENVIRONMENT}")
endmacro()
