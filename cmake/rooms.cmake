# A room is a folder of the house and one static library.
#
# Its headers are reached as "room/header.h" through an include directory that holds nothing but a link to that folder,
# and that directory comes with the library. So a room that is not linked cannot be included, and the direction of
# includes is enforced by the build.
set(UNDERSTUDY_INCLUDES ${CMAKE_SOURCE_DIR}/.rooms)

add_library(understudy_flags INTERFACE)
target_compile_options(understudy_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor -Wold-style-cast
  -Woverloaded-virtual -Werror -fno-omit-frame-pointer)
target_compile_definitions(understudy_flags INTERFACE
  BOOST_ASIO_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED BOOST_BEAST_SEPARATE_COMPILATION
  UNDERSTUDY_VERSION="${PROJECT_VERSION}")
if(UNDERSTUDY_SANITIZE)
  # GCC 12 reports coroutine frames falsely where it instruments them.
  target_compile_options(understudy_flags INTERFACE -fsanitize=${UNDERSTUDY_SANITIZE} -fno-sanitize-recover=all
    -Wno-maybe-uninitialized -Wno-mismatched-new-delete)
  target_link_options(understudy_flags INTERFACE -fsanitize=${UNDERSTUDY_SANITIZE})
  if(UNDERSTUDY_SANITIZE STREQUAL "thread")
    # Asio's fences, which GCC cannot instrument; what they order is ordered by Asio's mutexes as well.
    target_compile_options(understudy_flags INTERFACE -Wno-tsan)
  endif()
endif()

# room(NAME LINKS target... [PRECOMPILE header...])
function(room name)
  cmake_parse_arguments(ARG "" "" "LINKS;PRECOMPILE" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  list(FILTER sources EXCLUDE REGEX "/main/main\\.cpp$")
  add_library(${name} STATIC ${sources})
  set_target_properties(${name} PROPERTIES OUTPUT_NAME understudy_${name})
  file(MAKE_DIRECTORY ${UNDERSTUDY_INCLUDES}/${name})
  file(CREATE_LINK ${CMAKE_CURRENT_SOURCE_DIR} ${UNDERSTUDY_INCLUDES}/${name}/${name} SYMBOLIC)
  target_include_directories(${name} PUBLIC ${UNDERSTUDY_INCLUDES}/${name})
  target_link_libraries(${name} PUBLIC understudy_flags ${ARG_LINKS})
  if(ARG_PRECOMPILE)
    target_precompile_headers(${name} PRIVATE ${ARG_PRECOMPILE})
  endif()
endfunction()

set(STD_HEADERS <algorithm> <array> <atomic> <chrono> <cstdint> <cstring> <functional> <memory> <optional> <span>
  <string> <string_view> <utility> <vector>)
set(ASIO_HEADERS ${STD_HEADERS} <boost/asio.hpp>)
