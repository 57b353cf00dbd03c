# Finds ROOT and offers it under one set of names, whichever way it was installed:
#
#   * a ROOT that brings a working CMake package (conda, LCG, distributions, source builds): find_package(ROOT), if
#     ROOT_DIR or the environment variable ROOTSYS points to it, or where there is no wheel;
#   * the `ROOT` wheel of PyPI, whose CMake package points to a folder of the machine it was built on: the wheel's
#     folder is asked of Python, without importing it.
#
# Sets FLASHSIM_ROOT_DIR, FLASHSIM_ROOT_INCLUDE_DIR, FLASHSIM_ROOT_LIBRARY_DIR, FLASHSIM_ROOTCLING,
# FLASHSIM_ROOT_CXX_STANDARD, FLASHSIM_ROOT_FROM_WHEEL and the imported target FlashSim::ROOT.

set(FLASHSIM_ROOT_COMPONENTS Core RIO Net Tree TreePlayer Hist Matrix Imt MathCore Thread ROOTVecOps ROOTDataFrame ROOTNTuple)

function(flashsim_find_root_wheel result)
  find_package(Python COMPONENTS Interpreter QUIET)
  set(${result} "" PARENT_SCOPE)
  if(NOT Python_EXECUTABLE)
    return()
  endif()
  execute_process(
    COMMAND "${Python_EXECUTABLE}" -c
            "import importlib.util as u; s = u.find_spec('ROOT'); print(list(s.submodule_search_locations)[0] if s else '')"
    OUTPUT_VARIABLE folder OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(folder AND EXISTS "${folder}/include/RVersion.h" AND EXISTS "${folder}/bin/rootcling")
    set(${result} "${folder}" PARENT_SCOPE)
  endif()
endfunction()

# A ROOT that was pointed at (ROOT_DIR, or ROOTSYS as thisroot.sh sets it) comes before the wheel.
set(_wheel "")
if(NOT ROOT_DIR AND NOT DEFINED ENV{ROOTSYS})
  flashsim_find_root_wheel(_wheel)
endif()
if(_wheel)
  set(FLASHSIM_ROOT_FROM_WHEEL TRUE)
  set(FLASHSIM_ROOT_DIR "${_wheel}")
  set(FLASHSIM_ROOT_INCLUDE_DIR "${_wheel}/include")
  set(FLASHSIM_ROOT_LIBRARY_DIR "${_wheel}/lib")
  set(FLASHSIM_ROOTCLING "${_wheel}/bin/rootcling")
  set(FLASHSIM_ROOT_CXX_STANDARD 17)
  file(STRINGS "${_wheel}/include/RConfigure.h" _standards REGEX "#define R__USE_CXX[0-9]+")
  foreach(_line IN LISTS _standards)
    string(REGEX REPLACE ".*R__USE_CXX([0-9]+).*" "\\1" _standard "${_line}")
    if(_standard GREATER FLASHSIM_ROOT_CXX_STANDARD)
      set(FLASHSIM_ROOT_CXX_STANDARD ${_standard})
    endif()
  endforeach()
  set(_libraries "")
  foreach(_component IN LISTS FLASHSIM_ROOT_COMPONENTS)
    find_library(FLASHSIM_ROOT_${_component}_LIBRARY ${_component} PATHS "${FLASHSIM_ROOT_LIBRARY_DIR}"
                 NO_DEFAULT_PATH REQUIRED)
    list(APPEND _libraries "${FLASHSIM_ROOT_${_component}_LIBRARY}")
  endforeach()
else()
  set(FLASHSIM_ROOT_FROM_WHEEL FALSE)
  find_package(ROOT 6.36 QUIET COMPONENTS Tree TreePlayer Hist Matrix Imt ROOTVecOps ROOTDataFrame ROOTNTuple)
  if(NOT ROOT_FOUND)
    message(FATAL_ERROR
      "FlashSim needs ROOT 6.36 or newer and found none. Either `pip install ROOT` for the Python given by "
      "-DPython_EXECUTABLE=..., or source thisroot.sh of an installation, or set -DROOT_DIR=.../cmake.")
  endif()
  get_filename_component(FLASHSIM_ROOT_DIR "${ROOT_BINDIR}/.." ABSOLUTE)
  list(GET ROOT_INCLUDE_DIRS 0 FLASHSIM_ROOT_INCLUDE_DIR)
  set(FLASHSIM_ROOT_LIBRARY_DIR "${ROOT_LIBRARY_DIR}")
  find_program(FLASHSIM_ROOTCLING rootcling HINTS "${ROOT_BINDIR}" REQUIRED)
  set(FLASHSIM_ROOT_CXX_STANDARD ${ROOT_CXX_STANDARD})
  if(NOT FLASHSIM_ROOT_CXX_STANDARD)
    set(FLASHSIM_ROOT_CXX_STANDARD 17)
  endif()
  set(_libraries "")
  foreach(_component IN LISTS FLASHSIM_ROOT_COMPONENTS)
    list(APPEND _libraries ROOT::${_component})
  endforeach()
endif()

if(NOT TARGET FlashSim::ROOT)
  add_library(FlashSim::ROOT INTERFACE IMPORTED GLOBAL)
  target_include_directories(FlashSim::ROOT SYSTEM INTERFACE "${FLASHSIM_ROOT_INCLUDE_DIR}")
  target_link_libraries(FlashSim::ROOT INTERFACE ${_libraries})
  if(FLASHSIM_ROOT_FROM_WHEEL AND UNIX AND NOT APPLE)
    # The wheel keeps what ROOT itself needs beside it; the linker of an executable has to be told.
    target_link_options(FlashSim::ROOT INTERFACE "LINKER:-rpath-link,${FLASHSIM_ROOT_DIR}/../root.libs")
  endif()
endif()
message(STATUS "FlashSim: ROOT from ${FLASHSIM_ROOT_DIR} (C++${FLASHSIM_ROOT_CXX_STANDARD})")
