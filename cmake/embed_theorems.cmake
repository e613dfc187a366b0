# docs/theorems*.md are compiled in for `lipcert explain`, so that there is one copy of each proof.
# In pieces, joined when the program runs: a string literal may not be longer than 64 KiB everywhere,
# and adjacent literals count as one.
file(GLOB theorem_files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/docs/theorems*.md)
list(SORT theorem_files)
set(LIPCERT_THEOREMS_SOURCE ${PROJECT_BINARY_DIR}/generated/theorem_pages.cpp)
set(entries "")
foreach(file IN LISTS theorem_files)
  file(READ ${file} text)
  set(pieces "")
  string(LENGTH "${text}" left)
  set(begin 0)
  while(begin LESS left)
    string(SUBSTRING "${text}" ${begin} 8000 piece)
    string(APPEND pieces "            .append(R\"lipcert_page(${piece})lipcert_page\")\n")
    math(EXPR begin "${begin} + 8000")
  endwhile()
  string(APPEND entries "        std::string()\n${pieces}        ,\n")
endforeach()
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${theorem_files})
file(CONFIGURE OUTPUT ${LIPCERT_THEOREMS_SOURCE} @ONLY CONTENT
"#include \"commands/theorem_pages.hpp\"

namespace lipcert {

const std::vector<std::string>& theorem_pages() {
    static const std::vector<std::string> pages = {
@entries@    };
    return pages;
}

}  // namespace lipcert
")
