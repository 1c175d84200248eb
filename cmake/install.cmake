# Headers, a CMake package and a pkg-config file. Nothing depends on the machine, so all of it goes under
# include/ and share/, and the installed tree may be moved as a whole.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(fewbits_package_dir ${CMAKE_INSTALL_DATADIR}/cmake/fewbits)
set(fewbits_pkgconfig_dir ${CMAKE_INSTALL_DATADIR}/pkgconfig)

install(DIRECTORY include/fewbits DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  FILES_MATCHING PATTERN "*.hpp" PATTERN "*.inl")
install(TARGETS fewbits EXPORT fewbitsTargets INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT fewbitsTargets NAMESPACE fewbits:: DESTINATION ${fewbits_package_dir})

configure_package_config_file(cmake/fewbitsConfig.cmake.in fewbitsConfig.cmake
  INSTALL_DESTINATION ${fewbits_package_dir} NO_SET_AND_CHECK_MACRO NO_CHECK_REQUIRED_COMPONENTS_MACRO)
# Before 1.0 a minor version may change what bits mean or names are: 0.1 does not answer for 0.2.
write_basic_package_version_file(fewbitsConfigVersion.cmake COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES
  ${CMAKE_CURRENT_BINARY_DIR}/fewbitsConfig.cmake
  ${CMAKE_CURRENT_BINARY_DIR}/fewbitsConfigVersion.cmake
  DESTINATION ${fewbits_package_dir})

# The .pc file finds its prefix from where it lies.
file(RELATIVE_PATH fewbits_pc_to_prefix "/prefix/${fewbits_pkgconfig_dir}" "/prefix")
configure_file(cmake/fewbits.pc.in fewbits.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/fewbits.pc DESTINATION ${fewbits_pkgconfig_dir})
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
