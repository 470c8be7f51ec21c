# How every target of the suite is declared: a library of all .cc below some folders, a binary, embedded files, tests.

# Tests are compiled without optimization, which takes a third off their time; what they test is built as its preset says.
if(CMAKE_BUILD_TYPE)
  set(REMATCH_TEST_OPTIONS)
else()
  set(REMATCH_TEST_OPTIONS -O0)
endif()

# One precompiled header for product code and one for tests: gRPC, protobuf and Abseil take seconds to parse.
set(REMATCH_PCH_HEADERS
    <algorithm> <functional> <map> <memory> <optional> <string> <string_view> <utility> <variant> <vector>
    <google/protobuf/message.h> <grpcpp/grpcpp.h>
    <absl/container/flat_hash_map.h> <absl/container/flat_hash_set.h> <absl/functional/any_invocable.h>
    <absl/status/statusor.h> <absl/strings/str_cat.h> <absl/synchronization/mutex.h> <absl/time/time.h>)
if(REMATCH_PCH)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    # Else every clone and every clean build misses what ccache has: the time at which the headers were written would count.
    add_compile_options("SHELL:-Xclang -fno-pch-timestamp")
  endif()
  file(WRITE ${CMAKE_BINARY_DIR}/pch/empty.cc "")
  add_library(rematch_pch OBJECT ${CMAKE_BINARY_DIR}/pch/empty.cc)
  target_link_libraries(rematch_pch PUBLIC gRPC::grpc++ protobuf::libprotobuf)
  target_precompile_headers(rematch_pch PRIVATE ${REMATCH_PCH_HEADERS})
  add_library(rematch_test_pch OBJECT ${CMAKE_BINARY_DIR}/pch/empty.cc)
  target_link_libraries(rematch_test_pch PUBLIC gRPC::grpc++ protobuf::libprotobuf GTest::gmock)
  # As in tests/: a compiler takes a precompiled header only for sources that define the same.
  target_compile_definitions(rematch_test_pch PRIVATE GTEST_HAS_ABSL=0)
  target_compile_options(rematch_test_pch PRIVATE ${REMATCH_TEST_OPTIONS})
  target_precompile_headers(rematch_test_pch PRIVATE ${REMATCH_PCH_HEADERS} <gmock/gmock.h> <gtest/gtest.h>)
endif()

function(rematch_use_pch target pch)
  if(REMATCH_PCH)
    target_precompile_headers(${target} REUSE_FROM ${pch})
  endif()
endfunction()

# rematch_library(NAME DIRS dir... DEPS target...): all .cc files of these folders (not below them, and not main.cc).
function(rematch_library name)
  cmake_parse_arguments(ARG "" "" "DIRS;DEPS;SOURCES" ${ARGN})
  set(sources ${ARG_SOURCES})
  foreach(dir ${ARG_DIRS})
    file(GLOB found CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${dir}/*.cc)
    list(APPEND sources ${found})
  endforeach()
  list(FILTER sources EXCLUDE REGEX "/main\\.cc$")
  if(sources)
    add_library(${name} STATIC ${sources})
    target_link_libraries(${name} PUBLIC ${ARG_DEPS})
    rematch_use_pch(${name} rematch_pch)
  else()
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE ${ARG_DEPS})
  endif()
endfunction()

# rematch_binary(NAME SOURCE DEPS target...)
function(rematch_binary name source)
  cmake_parse_arguments(ARG "" "" "DEPS" ${ARGN})
  add_executable(${name} ${source})
  # jemalloc gives back what a large import took, which malloc of glibc keeps (docs/performance.md). Sanitizers bring their own.
  if(NOT REMATCH_SANITIZE)
    target_link_libraries(${name} PRIVATE ${JEMALLOC})
  endif()
  target_link_libraries(${name} PRIVATE ${ARG_DEPS})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
  rematch_use_pch(${name} rematch_pch)
endfunction()

# rematch_embed(VAR NAMESPACE SYMBOL DIR PATTERN): makes a source file that holds every matching file of DIR, in the order
# of their names, as `std::span<const platform::EmbeddedFile> SYMBOL()`, and stores its path in VAR.
function(rematch_embed var namespace symbol dir pattern)
  file(GLOB files CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${dir}/${pattern})
  set(out ${CMAKE_BINARY_DIR}/generated/embedded/${symbol}.cc)
  add_custom_command(
    OUTPUT ${out}
    COMMAND ${CMAKE_COMMAND} -DOUT=${out} -DNAMESPACE=${namespace} -DSYMBOL=${symbol} "-DFILES=${files}"
            -P ${CMAKE_SOURCE_DIR}/cmake/Embed.cmake
    DEPENDS ${files} ${CMAKE_SOURCE_DIR}/cmake/Embed.cmake
    VERBATIM)
  set(${var} ${out} PARENT_SCOPE)
endfunction()

# rematch_tests(NAME DIR DEPS target... [STORES suite...]): one test binary of all *_test.cc files (and helpers) of DIR; CTest sees each
# test. STORES are the suites that run on a store (tests/store.h), as patterns of GoogleTest: each of their tests is there once more, as
# Mysql.SUITE.TEST, on MariaDB. A suite that uses a store and is not among them fails.
function(rematch_tests name dir)
  cmake_parse_arguments(ARG "" "TIMEOUT;LABEL" "DEPS;STORES" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${dir}/*.cc)
  if(NOT sources)
    return()
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  if(NOT ARG_LABEL)
    set(ARG_LABEL unit)
  endif()
  add_executable(${name} ${sources})
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} GTest::gmock_main)
  target_compile_options(${name} PRIVATE ${REMATCH_TEST_OPTIONS})
  list(JOIN ARG_STORES ":" stores)
  target_compile_definitions(${name} PRIVATE REMATCH_SOURCE_DIR="${CMAKE_SOURCE_DIR}" REMATCH_BINARY_DIR="${CMAKE_BINARY_DIR}"
                                             REMATCH_TEST_STORES="${stores}")
  rematch_use_pch(${name} rematch_test_pch)
  if(ARG_LABEL STREQUAL "unit")
    add_dependencies(unit_tests ${name})
  endif()
  include(GoogleTest)
  if(REMATCH_SANITIZE STREQUAL "thread")
    # ThreadSanitizer watches what is ours below gRPC, whose package is not instrumented: the suites named Concurrent.
    set(tests "Concurrent*:*/Concurrent*")
    set(mysql_tests "Concurrent*Mysql*:*/Concurrent*Mysql*")
    set(label concurrent)
  else()
    set(tests "*")
    set(mysql_tests "*Mysql*")
    set(label ${ARG_LABEL})
  endif()
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST TEST_FILTER "${tests}-*Mysql*"
                       PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS ${label})
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST TEST_FILTER "${mysql_tests}" TEST_LIST ${name}_mysql
                       PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS ${label} FIXTURES_REQUIRED mariadb)
  if(ARG_STORES AND NOT REMATCH_SANITIZE STREQUAL "thread")
    gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST TEST_FILTER "${stores}-*Mysql*" TEST_LIST ${name}_stores TEST_PREFIX Mysql.
                         PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS ${label} FIXTURES_REQUIRED mariadb
                         ENVIRONMENT REMATCH_TEST_STORE=mysql)
  endif()
endfunction()
