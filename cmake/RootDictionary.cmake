# flashsim_root_dictionary(<target> LINKDEF <file> HEADERS <header...> [DEPENDS <file...>])
#
# Makes the ROOT dictionary of <target> with rootcling itself, since ROOT's own CMake function needs its CMake package,
# which the wheel lacks. Headers are named as users include them ("FlashSim/Flow.hxx"), so that the dictionary holds no path of
# the build machine. DEPENDS are other files that the headers include. The .pcm and .rootmap files lie beside the library and
# are to be installed with it.
function(flashsim_root_dictionary target)
  cmake_parse_arguments(ARG "" "LINKDEF" "HEADERS;DEPENDS" ${ARGN})
  set(dictionary "${CMAKE_CURRENT_BINARY_DIR}/${target}Dictionary.cxx")
  set(pcm "${CMAKE_CURRENT_BINARY_DIR}/lib${target}_rdict.pcm")
  set(rootmap "${CMAKE_CURRENT_BINARY_DIR}/lib${target}.rootmap")
  set(header_files "")
  foreach(header IN LISTS ARG_HEADERS)
    list(APPEND header_files "${CMAKE_CURRENT_SOURCE_DIR}/cpp/${header}")
  endforeach()
  add_custom_command(
    OUTPUT "${dictionary}" "${pcm}" "${rootmap}"
    COMMAND ${CMAKE_COMMAND} -E env "LD_LIBRARY_PATH=${FLASHSIM_ROOT_LIBRARY_DIR}:$ENV{LD_LIBRARY_PATH}"
            "${FLASHSIM_ROOTCLING}" -f "${dictionary}"
            -s "${CMAKE_CURRENT_BINARY_DIR}/lib${target}" -rml "lib${target}.so" -rmf "${rootmap}"
            -compilerI${FLASHSIM_ROOT_INCLUDE_DIR} -I${CMAKE_CURRENT_SOURCE_DIR}/cpp
            ${ARG_HEADERS} "${CMAKE_CURRENT_SOURCE_DIR}/${ARG_LINKDEF}"
    DEPENDS ${header_files} ${ARG_DEPENDS} "${CMAKE_CURRENT_SOURCE_DIR}/${ARG_LINKDEF}"
    COMMENT "Generating the ROOT dictionary of ${target}"
    VERBATIM)
  target_sources(${target} PRIVATE "${dictionary}")
  set_source_files_properties("${dictionary}" PROPERTIES COMPILE_OPTIONS "-w")
  set_property(TARGET ${target} PROPERTY FLASHSIM_DICTIONARY_FILES "${pcm};${rootmap}")
endfunction()
