# Makes the source file that holds the status page: cmake -DDIRECTORY=... -DOUTPUT=... -P embed_page.cmake
# Each file of the directory becomes a row: its path on the server, its type, its text and a tag that changes with it.
set(type_html "text/html; charset=utf-8")
set(type_css "text/css; charset=utf-8")
set(type_js "text/javascript; charset=utf-8")
set(type_svg "image/svg+xml")
file(GLOB files ${DIRECTORY}/*)
list(SORT files)
set(rows "")
foreach(path ${files})
  get_filename_component(name ${path} NAME)
  get_filename_component(extension ${path} LAST_EXT)
  string(SUBSTRING ${extension} 1 -1 extension)
  file(READ ${path} text)
  file(SHA256 ${path} tag)
  string(SUBSTRING ${tag} 0 16 tag)
  string(APPEND rows "    {\"/page/${name}\", \"${type_${extension}}\", \"${tag}\", R\"embedded(${text})embedded\"},\n")
endforeach()
file(WRITE ${OUTPUT} "// Made by cmake/embed_page.cmake from control/page/.
#include \"control/page.h\"

namespace understudy::control {
namespace {
constexpr PageFile files[] = {
${rows}};
}  // namespace

std::span<const PageFile> page_files() { return files; }

}  // namespace understudy::control
")
