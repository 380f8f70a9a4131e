# vision_msgs has no wheel on PyPI, so the few of its types that clue_ros uses are declared in
# cmake/vision_msgs, with the same wire format and type hashes. They are built and staged here,
# ahead of clue_ros, and travel in its wheel.
#
# A real vision_msgs wins: it is version 4 or newer, ours says version 0.
find_package(vision_msgs 4 QUIET)
if(vision_msgs_FOUND)
  return()
endif()

set(_build ${CMAKE_CURRENT_BINARY_DIR}/vision_msgs)
set(_stage ${_build}/stage)
execute_process(COMMAND_ERROR_IS_FATAL ANY COMMAND ${CMAKE_COMMAND}
  -S ${CMAKE_CURRENT_LIST_DIR}/vision_msgs -B ${_build} -G ${CMAKE_GENERATOR}
  -DCMAKE_MAKE_PROGRAM=${CMAKE_MAKE_PROGRAM}
  -DCMAKE_BUILD_TYPE=${CMAKE_BUILD_TYPE}
  -DCMAKE_INSTALL_PREFIX=${_stage}
  -DCMAKE_PROJECT_INCLUDE=${CMAKE_CURRENT_LIST_DIR}/ros_wheels.cmake
  -DPython3_EXECUTABLE=${Python3_EXECUTABLE}
  -DBUILD_TESTING=OFF)
execute_process(COMMAND_ERROR_IS_FATAL ANY
  COMMAND ${CMAKE_COMMAND} --build ${_build} --target install)

find_package(vision_msgs REQUIRED PATHS ${_stage} NO_DEFAULT_PATH)
install(DIRECTORY ${_stage}/ DESTINATION . USE_SOURCE_PERMISSIONS)
