# Makes the ros-* wheels of PyPI usable as a ROS underlay: CMake finds them, and they find Python.

find_package(Python3 REQUIRED COMPONENTS Interpreter)
execute_process(COMMAND ${Python3_EXECUTABLE} -c
  "import pathlib, ament_package; print(pathlib.Path(ament_package.__file__).parents[4])"
  OUTPUT_VARIABLE ROS_WHEELS_PREFIX OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
list(PREPEND CMAKE_PREFIX_PATH ${ROS_WHEELS_PREFIX})
set(ENV{AMENT_PREFIX_PATH} ${ROS_WHEELS_PREFIX})

# A *__rosidl_generator_py target hands its users the Python and NumPy headers of the machine that
# built it. CMake rejects the wheels' targets, whose folders don't exist here, and ours, when the
# virtual environment is inside the source folder. Users of a built target need neither.
function(_forget_python_headers)
  get_property(_targets DIRECTORY PROPERTY IMPORTED_TARGETS)
  foreach(_target IN LISTS _targets)
    get_target_property(_dirs ${_target} INTERFACE_INCLUDE_DIRECTORIES)
    if(_dirs MATCHES "/opt/python/")
      list(FILTER _dirs EXCLUDE REGEX "^/opt/python/")
      set_target_properties(${_target} PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${_dirs}")
    endif()
  endforeach()
  set(_target ${PROJECT_NAME}__rosidl_generator_py)
  get_target_property(_dirs ${_target} INTERFACE_INCLUDE_DIRECTORIES)
  set_target_properties(${_target} PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES "$<BUILD_INTERFACE:${_dirs}>")
endfunction()
cmake_language(DEFER CALL _forget_python_headers)
