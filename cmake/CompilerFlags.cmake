# SPDX-License-Identifier: Apache-2.0
# Warnings and hardening, as a list: every flag is probed, so an older compiler simply has fewer.
# Applied by target cl_flags, which every own target links; foreign headers are -isystem.

include(CheckCCompilerFlag)
include(CheckLinkerFlag)

add_library(cl_flags INTERFACE)

function(cl_add_flags)
    foreach(flag IN LISTS ARGN)
        string(MAKE_C_IDENTIFIER "CL_HAVE${flag}" name)
        # clang accepts unknown warnings with a warning: probe with -Werror.
        set(CMAKE_REQUIRED_FLAGS "-Werror")
        check_c_compiler_flag("${flag}" ${name})
        if(${name})
            target_compile_options(cl_flags INTERFACE "${flag}")
        endif()
    endforeach()
endfunction()

function(cl_add_link_flags)
    foreach(flag IN LISTS ARGN)
        string(MAKE_C_IDENTIFIER "CL_LINK${flag}" name)
        check_linker_flag(C "${flag}" ${name})
        if(${name})
            target_link_options(cl_flags INTERFACE "${flag}")
        endif()
    endforeach()
endfunction()

set(CMAKE_REQUIRED_QUIET ON)

cl_add_flags(
    -Wall -Wextra -Wpedantic -Wformat=2 -Wconversion -Wsign-conversion -Wshadow -Wundef -Wvla
    -Wcast-qual -Wcast-align -Wpointer-arith -Wwrite-strings -Wstrict-prototypes
    -Wmissing-prototypes -Wold-style-definition -Wredundant-decls -Wnested-externs
    -Wdouble-promotion -Wfloat-equal -Wimplicit-fallthrough -Wswitch-enum -Wnull-dereference
    -Wdate-time -Walloca
    -Werror=implicit -Werror=incompatible-pointer-types -Werror=int-conversion
    -Werror=return-type)
target_compile_options(cl_flags INTERFACE -Werror=format-security) # known to all, needs -Wformat

if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    cl_add_flags(
        -Wlogical-op -Wduplicated-cond -Wduplicated-branches -Wtrampolines -Wbidi-chars=any
        -Wjump-misses-init -Walloc-zero -Wformat-overflow=2 -Wstringop-overflow=4
        -Wunused-const-variable=2 -Wenum-conversion)
else()
    cl_add_flags(
        -Wassign-enum -Wcomma -Wconditional-uninitialized -Wextra-semi-stmt -Wshorten-64-to-32
        -Wmissing-variable-declarations -Wloop-analysis)
endif()

if(CERTLOOP_WERROR)
    target_compile_options(cl_flags INTERFACE -Werror)
endif()

# Paths of the build machine stay out of the binaries (reproducible builds).
cl_add_flags("-ffile-prefix-map=${CMAKE_SOURCE_DIR}/=")

cl_add_flags(
    -fvisibility=hidden -fno-delete-null-pointer-checks -fno-strict-overflow -fno-strict-aliasing
    -fno-common -fexceptions -fstrict-flex-arrays=3)

if(CERTLOOP_SANITIZE)
    # _FORTIFY_SOURCE hides calls from the sanitizers: never both.
    target_compile_options(cl_flags INTERFACE
        "-fsanitize=${CERTLOOP_SANITIZE}" -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(cl_flags INTERFACE "-fsanitize=${CERTLOOP_SANITIZE}")
elseif(CERTLOOP_COVERAGE)
    target_compile_options(cl_flags INTERFACE --coverage -fprofile-update=atomic)
    target_link_options(cl_flags INTERFACE --coverage)
else()
    target_compile_options(cl_flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
    cl_add_flags(-fstack-protector-strong -fstack-clash-protection)
    if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|i.86")
        cl_add_flags(-fcf-protection=full)
    elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64")
        cl_add_flags(-mbranch-protection=standard)
    endif()
    # Test builds fill with a pattern, so that nobody comes to rely on the zeroes of a release.
    if(CERTLOOP_WERROR)
        cl_add_flags(-ftrivial-auto-var-init=pattern)
    else()
        cl_add_flags(-ftrivial-auto-var-init=zero)
    endif()
endif()

cl_add_link_flags(
    -Wl,-z,nodlopen -Wl,-z,noexecstack -Wl,-z,relro -Wl,-z,now -Wl,--as-needed
    -Wl,--no-copy-dt-needed-entries -Wl,-z,separate-code)
