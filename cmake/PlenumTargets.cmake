# Flags that every target shares, and the helper that makes one library per layer.
add_library(plenum_flags INTERFACE)
target_compile_options(plenum_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor)
if(PLENUM_SANITIZE)
  target_compile_options(plenum_flags INTERFACE -fsanitize=${PLENUM_SANITIZE} -fno-sanitize-recover=all
    -fno-omit-frame-pointer)
  target_link_options(plenum_flags INTERFACE -fsanitize=${PLENUM_SANITIZE})
endif()

# plenum_layer(NAME SOURCES ... PUBLIC libs... PRIVATE libs...): the library plenum_NAME of src/NAME.
function(plenum_layer name)
  cmake_parse_arguments(arg "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(plenum_${name} STATIC ${arg_SOURCES})
  target_include_directories(plenum_${name} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/include>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
    PRIVATE ${PROJECT_SOURCE_DIR}/src)
  target_compile_features(plenum_${name} PUBLIC cxx_std_20)
  target_link_libraries(plenum_${name} PUBLIC ${arg_PUBLIC} PRIVATE $<BUILD_INTERFACE:plenum_flags> ${arg_PRIVATE})
endfunction()
