# The numbers of the TFLite and ONNX schemas as C++ headers, generated from the PyPI packages tflite and onnx.
# Defines NB_GENERATED_DIR (an include directory) and the target nb_schemas.
#   generated/read/tflite/schema.h   generated/read/onnx/schema.h   generated/read/onnx/operator_schemas.h
# NB_PYTHON: a Python that has both packages; by default the first of .venv/bin/python and python3 that does.
set(NB_GENERATED_DIR ${CMAKE_BINARY_DIR}/generated)
set(NB_PYTHON "" CACHE STRING "Python with the packages onnx and tflite; empty: .venv/bin/python or python3")

set(nb_schema_check "import importlib.util, sys; sys.exit(any(importlib.util.find_spec(p) is None for p in ('onnx', 'tflite')))")
function(nb_python_has_schemas python result)
  execute_process(COMMAND ${python} -c "${nb_schema_check}" RESULT_VARIABLE status OUTPUT_QUIET ERROR_QUIET)
  if(status EQUAL 0)
    set(${result} TRUE PARENT_SCOPE)
  else()
    set(${result} FALSE PARENT_SCOPE)
  endif()
endfunction()

if(NB_PYTHON)
  set(nb_python_candidates ${NB_PYTHON})
else()
  set(nb_python_candidates ${CMAKE_SOURCE_DIR}/.venv/bin/python python3)
endif()
set(NB_SCHEMA_PYTHON "")
foreach(candidate IN LISTS nb_python_candidates)
  if(NOT NB_SCHEMA_PYTHON)
    nb_python_has_schemas(${candidate} nb_has_schemas)
    if(nb_has_schemas)
      set(NB_SCHEMA_PYTHON ${candidate})
    endif()
  endif()
endforeach()
if(NOT NB_SCHEMA_PYTHON)
  list(JOIN nb_python_candidates ", " nb_tried)
  message(FATAL_ERROR
    "No Python with the packages onnx and tflite, from which the model schemas come (tried: ${nb_tried}).\n"
    "Install them with\n"
    "  python3 -m venv ${CMAKE_SOURCE_DIR}/.venv && ${CMAKE_SOURCE_DIR}/.venv/bin/pip install onnx tflite\n"
    "or name a Python that has them with -DNB_PYTHON=/path/to/python.")
endif()

set(NB_SCHEMA_HEADERS "")
foreach(name tflite/schema onnx/schema onnx/operator_schemas)
  string(REPLACE "/" "_" generator ${name})
  set(generator ${CMAKE_SOURCE_DIR}/tools/gen_${generator}.py)
  set(header ${NB_GENERATED_DIR}/read/${name}.h)
  add_custom_command(
    OUTPUT ${header}
    COMMAND ${NB_SCHEMA_PYTHON} ${generator} ${header}
    DEPENDS ${generator}
    COMMENT "Generating ${name}.h"
    VERBATIM)
  list(APPEND NB_SCHEMA_HEADERS ${header})
endforeach()
add_custom_target(nb_schemas DEPENDS ${NB_SCHEMA_HEADERS})
