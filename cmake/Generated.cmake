# SPDX-License-Identifier: Apache-2.0
# What the program prints about itself. Usage: cmake -DCERTLOOP=PROGRAM -DOUT=DIR -P Generated.cmake
function(print file)
    execute_process(COMMAND "${CERTLOOP}" ${ARGN} OUTPUT_FILE "${OUT}/${file}.new"
        RESULT_VARIABLE failed)
    if(failed)
        message(FATAL_ERROR "certloop ${ARGN}: ${failed}")
    endif()
    file(RENAME "${OUT}/${file}.new" "${OUT}/${file}")
endfunction()

file(MAKE_DIRECTORY "${OUT}")
execute_process(COMMAND "${CERTLOOP}" manual --dir "${OUT}/man" RESULT_VARIABLE failed)
if(failed)
    message(FATAL_ERROR "certloop manual: ${failed}")
endif()
print(certloop.bash completion bash)
print(_certloop completion zsh)
print(certloop.fish completion fish)
print(certloop.schema.json schema)
file(TOUCH "${OUT}/stamp")
