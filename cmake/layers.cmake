# Compiler settings and the functions that define layers and their tests.

find_package(Threads REQUIRED)
find_package(spdlog REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(ZLIB REQUIRED)
find_package(prometheus-cpp REQUIRED)
find_package(CLI11 REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(libpqxx REQUIRED IMPORTED_TARGET libpqxx>=6.4)
pkg_check_modules(libpq REQUIRED IMPORTED_TARGET libpq)
pkg_check_modules(cpp-httplib REQUIRED IMPORTED_TARGET cpp-httplib>=0.11)
pkg_check_modules(openssl REQUIRED IMPORTED_TARGET openssl)
pkg_check_modules(libmicrohttpd REQUIRED IMPORTED_TARGET libmicrohttpd>=0.9.75)

add_library(nodevigil_flags INTERFACE)
target_include_directories(nodevigil_flags INTERFACE "${PROJECT_SOURCE_DIR}/include")
# Contraction into fused multiply-add would make scores differ between processors; live and
# replayed verdicts must be equal bit for bit.
target_compile_options(nodevigil_flags INTERFACE
  -Wall -Wextra -Wconversion -Wshadow -Werror -ffp-contract=off)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # False alarms inside std::string's operator+ (GCC bug 105651).
  target_compile_options(nodevigil_flags INTERFACE -Wno-restrict)
endif()
target_link_libraries(nodevigil_flags INTERFACE Threads::Threads)
if(NODEVIGIL_SANITIZE)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # False alarms that only sanitizers bring out, inside <regex> (GCC bug 105562) and std::string's
    # operator+ (bug 105651).
    target_compile_options(nodevigil_flags INTERFACE
      -Wno-maybe-uninitialized -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread)
  endif()
  target_compile_options(nodevigil_flags INTERFACE
    -fsanitize=${NODEVIGIL_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(nodevigil_flags INTERFACE -fsanitize=${NODEVIGIL_SANITIZE})
endif()
if(NODEVIGIL_FUZZ)
  target_compile_options(nodevigil_flags INTERFACE -fsanitize=fuzzer-no-link,address,undefined)
  target_link_options(nodevigil_flags INTERFACE -fsanitize=address,undefined)
endif()

# Builds that only tests run: what most files include is parsed once, and a layer's files are compiled
# several at a time, so their local names have to differ. A release is built without either, so that
# a file that forgets one of its includes is seen, and clang-tidy reads it.
if(NODEVIGIL_SANITIZE OR NODEVIGIL_FUZZ)
  file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/precompiled.cpp" CONTENT "\n")
  add_library(nodevigil_precompiled OBJECT "${PROJECT_BINARY_DIR}/precompiled.cpp")
  target_link_libraries(nodevigil_precompiled PRIVATE nodevigil_flags)
  target_precompile_headers(nodevigil_precompiled PRIVATE <algorithm> <array> <chrono> <filesystem>
    <functional> <map> <memory> <mutex> <optional> <span> <stop_token> <string> <string_view>
    <thread> <vector>)
endif()

# nodevigil_layer(NAME [DEPS layer...] [LIBS target...]): static library nodevigil_NAME from
# src/NAME/*.cpp. Third-party LIBS are private: they do not leak through a layer's headers.
function(nodevigil_layer name)
  cmake_parse_arguments(arg "" "" "DEPS;LIBS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/${name}/*.cpp")
  add_library(nodevigil_${name} STATIC ${sources})
  target_link_libraries(nodevigil_${name} PUBLIC nodevigil_flags PRIVATE ${arg_LIBS})
  foreach(dep IN LISTS arg_DEPS)
    target_link_libraries(nodevigil_${name} PUBLIC nodevigil_${dep})
  endforeach()
  if(TARGET nodevigil_precompiled)
    target_precompile_headers(nodevigil_${name} REUSE_FROM nodevigil_precompiled)
    set_target_properties(nodevigil_${name} PROPERTIES UNITY_BUILD ON)
  endif()
endfunction()
