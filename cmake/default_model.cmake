# The default model is compiled in: a small tool reads NODEVIGIL_MODEL and writes it as C++.
set(model_source "${CMAKE_CURRENT_BINARY_DIR}/generated/default_model.cpp")
add_executable(nodevigil_modelgen tools/modelgen.cpp)
target_link_libraries(nodevigil_modelgen PRIVATE nodevigil_scoring)
add_custom_command(
  OUTPUT "${model_source}"
  COMMAND ${CMAKE_COMMAND} -E make_directory "${CMAKE_CURRENT_BINARY_DIR}/generated"
  COMMAND nodevigil_modelgen "${NODEVIGIL_MODEL}" "${model_source}"
  DEPENDS nodevigil_modelgen "${NODEVIGIL_MODEL}"
  COMMENT "Compiling the default model to C++")
add_library(nodevigil_default_model STATIC "${model_source}")
target_link_libraries(nodevigil_default_model PUBLIC nodevigil_scoring)
