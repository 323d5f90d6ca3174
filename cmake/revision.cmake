# NODEVIGIL_REVISION: the commit at configure time, or what an image build passes in.
if(NOT DEFINED NODEVIGIL_REVISION)
  execute_process(COMMAND git rev-parse --short=12 HEAD WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}"
                  OUTPUT_VARIABLE NODEVIGIL_REVISION OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
if(EXISTS "${PROJECT_SOURCE_DIR}/.git/logs/HEAD")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
               "${PROJECT_SOURCE_DIR}/.git/logs/HEAD")
endif()
if(NOT NODEVIGIL_REVISION)
  set(NODEVIGIL_REVISION unknown)
endif()
