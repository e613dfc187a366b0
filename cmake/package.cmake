# The Debian package holds what a user runs: the program, its manual page and its completions, all
# made by the program itself. The library and its headers are for `cmake --install`.
set(made ${PROJECT_BINARY_DIR}/shell)
add_custom_command(OUTPUT ${made}/lipcert.1.gz ${made}/lipcert ${made}/_lipcert ${made}/lipcert.fish
  COMMAND ${CMAKE_COMMAND} -E make_directory ${made}
  COMMAND lipcert --man > ${made}/lipcert.1
  COMMAND gzip -9 -n -f ${made}/lipcert.1
  COMMAND lipcert --completions bash > ${made}/lipcert
  COMMAND lipcert --completions zsh > ${made}/_lipcert
  COMMAND lipcert --completions fish > ${made}/lipcert.fish
  DEPENDS lipcert VERBATIM)
add_custom_target(lipcert_shell ALL
  DEPENDS ${made}/lipcert.1.gz ${made}/lipcert ${made}/_lipcert ${made}/lipcert.fish)
install(FILES ${made}/lipcert.1.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT program)
install(FILES ${made}/lipcert DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions COMPONENT program)
install(FILES ${made}/_lipcert DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions COMPONENT program)
install(FILES ${made}/lipcert.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d COMPONENT program)
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME copyright COMPONENT program)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_PACKAGE_NAME lipcert)
set(CPACK_PACKAGE_CONTACT "the lipcert maintainers <maintainers@lipcert.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL program)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_GROUPING ALL_COMPONENTS_IN_ONE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)  # what it needs is read from the program
include(CPack)
