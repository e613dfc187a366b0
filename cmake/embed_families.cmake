# The built-in architecture families are data files in the language that users write; they are
# compiled in as string literals, so that the program stays one file.
file(GLOB family_files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/architecture/families/*.json)
set(LIPCERT_FAMILIES_SOURCE ${PROJECT_BINARY_DIR}/generated/families.cpp)
set(entries "")
foreach(file IN LISTS family_files)
  file(READ ${file} text)
  get_filename_component(name ${file} NAME_WE)
  string(APPEND entries "    {\"${name}\", R\"lipcert_json(${text})lipcert_json\"},\n")
endforeach()
set(wrappers_file ${PROJECT_SOURCE_DIR}/src/architecture/wrappers.json)
file(READ ${wrappers_file} wrappers)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${family_files} ${wrappers_file})
file(CONFIGURE OUTPUT ${LIPCERT_FAMILIES_SOURCE} @ONLY CONTENT
"#include \"architecture/family_texts.hpp\"

namespace lipcert {

const std::vector<FamilyText>& family_texts() {
    static const std::vector<FamilyText> texts = {
@entries@    };
    return texts;
}

std::string_view wrappers_text() {
    return R\"lipcert_json(@wrappers@)lipcert_json\";
}

}  // namespace lipcert
")
