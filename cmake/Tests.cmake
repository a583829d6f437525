# SPDX-License-Identifier: Apache-2.0
# Every test under ctest, found by file name; labels: unit, sim, fuzz, lint, functional.
# Run one kind with: ctest --preset dev -L unit

pkg_check_modules(cmocka REQUIRED IMPORTED_TARGET cmocka)
# The system's own Python first: that is the one the distribution's python3-* packages belong to.
find_program(CL_PYTHON python3 PATHS /usr/bin NO_DEFAULT_PATH)
find_program(CL_PYTHON python3 REQUIRED)

set(CL_TEST_ENV
    "ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1"
    "UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1"
    "CERTLOOP=${CMAKE_BINARY_DIR}/certloop"
    "CERTLOOP_SOURCE=${CMAKE_SOURCE_DIR}"
    "PYTHONDONTWRITEBYTECODE=1"
    "CERTLOOP_BUILD=${CMAKE_BINARY_DIR}"
    "PEERS=${CMAKE_SOURCE_DIR}/build/peers")

# The prefix keeps the names of several builds apart in one run (tests/run.sh).
function(cl_add_test test label timeout)
    set(name "${CERTLOOP_TEST_PREFIX}${test}")
    add_test(NAME ${name} COMMAND ${ARGN} WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}")
    set_tests_properties(${name} PROPERTIES LABELS ${label} TIMEOUT ${timeout}
        ENVIRONMENT "${CL_TEST_ENV}" SKIP_RETURN_CODE 77)
endfunction()

function(cl_test_program name machine label timeout source)
    cl_program(${name} ${machine} ${source})
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
    target_link_libraries(${name} PRIVATE PkgConfig::cmocka)
    cl_add_test(${name} ${label} ${timeout} ${name})
endfunction()

# ---- unit: tests/unit/test_*.c; test_sim_*.c and tests/sim/test_*.c run on the simulated machine
file(GLOB unit_sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/tests/unit/test_*.c")
foreach(source IN LISTS unit_sources)
    get_filename_component(name "${source}" NAME_WE)
    if(name MATCHES "^test_sim_")
        cl_test_program(${name} machine_sim sim 120 "${source}")
    else()
        cl_test_program(${name} machine_real unit 180 "${source}")
    endif()
endforeach()
file(GLOB sim_sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/tests/sim/test_*.c")
foreach(source IN LISTS sim_sources)
    get_filename_component(name "${source}" NAME_WE)
    cl_test_program(${name} machine_sim sim 300 "${source}")
endforeach()

# ---- fuzz: libFuzzer with CERTLOOP_FUZZ, else the corpus is replayed by fuzz_main.c
file(GLOB fuzz_sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/tests/fuzz/fuzz_*.c")
list(REMOVE_ITEM fuzz_sources "${CMAKE_SOURCE_DIR}/tests/fuzz/fuzz_main.c")
foreach(source IN LISTS fuzz_sources)
    get_filename_component(name "${source}" NAME_WE)
    string(REPLACE "fuzz_" "" short "${name}")
    set(corpus "${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${short}")
    if(CERTLOOP_FUZZ)
        cl_program(${name} machine_real "${source}")
        target_link_options(${name} PRIVATE -fsanitize=fuzzer)
        set(arguments -runs=0)
    else()
        cl_program(${name} machine_real "${source}" "${CMAKE_SOURCE_DIR}/tests/fuzz/fuzz_main.c")
        set(arguments "")
    endif()
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
    cl_add_test(${name} fuzz 120 ${name} ${arguments} "${corpus}")
endforeach()

# ---- lint and functional: scripts
function(cl_script_tests label timeout prefix)
    foreach(script IN LISTS ARGN)
        get_filename_component(name "${script}" NAME_WE)
        if(script MATCHES "\\.py$")
            set(interpreter "${CL_PYTHON}")
        else()
            set(interpreter bash)
        endif()
        cl_add_test(${prefix}${name} ${label} ${timeout} ${interpreter} "${script}")
    endforeach()
endfunction()

file(GLOB sim_scripts CONFIGURE_DEPENDS
    "${CMAKE_SOURCE_DIR}/tests/sim/test_*.sh" "${CMAKE_SOURCE_DIR}/tests/sim/test_*.py")
cl_script_tests(sim 1800 "" ${sim_scripts})

if(NOT CERTLOOP_SCRIPT_TESTS)
    return()
endif()
file(GLOB lint_scripts CONFIGURE_DEPENDS
    "${CMAKE_SOURCE_DIR}/tests/lint/check_*.sh" "${CMAKE_SOURCE_DIR}/tests/lint/check_*.py")
cl_script_tests(lint 900 lint_ ${lint_scripts})
# These two start a process for each core themselves, and are slow when nothing is cached.
cmake_host_system_information(RESULT cores QUERY NUMBER_OF_LOGICAL_CORES)
foreach(name IN ITEMS lint_check_tidy lint_check_cppcheck)
    set_tests_properties(${CERTLOOP_TEST_PREFIX}${name} PROPERTIES PROCESSORS ${cores}
        TIMEOUT 3600)
endforeach()
file(GLOB functional_scripts CONFIGURE_DEPENDS
    "${CMAKE_SOURCE_DIR}/tests/functional/test_*.sh"
    "${CMAKE_SOURCE_DIR}/tests/functional/test_*.py")
cl_script_tests(functional 600 functional_ ${functional_scripts})
