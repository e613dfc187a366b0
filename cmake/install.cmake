include(CMakePackageConfigHelpers)
install(TARGETS lipcert_library EXPORT lipcert-targets ARCHIVE FILE_SET HEADERS)
install(TARGETS lipcert RUNTIME COMPONENT program)
install(TARGETS lipcert_options EXPORT lipcert-targets)
install(EXPORT lipcert-targets NAMESPACE lipcert:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/lipcert)
configure_package_config_file(cmake/lipcert-config.cmake.in
  ${PROJECT_BINARY_DIR}/lipcert-config.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/lipcert)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/lipcert-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/lipcert-config.cmake
              ${PROJECT_BINARY_DIR}/lipcert-config-version.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/lipcert)
