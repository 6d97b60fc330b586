# Distributed under the Boost Software License, Version 1.0.
from conan import ConanFile


class SystemBoost(ConanFile):
    """The distribution's Boost as a package, for machines that reach no remote: conan create . --version=1.81.0"""

    name = "boost"
    package_type = "header-library"
    options = {"header_only": [True, False]}  # as ConanCenter's: consumers may set it
    default_options = {"header_only": True}

    def package_id(self):
        self.info.clear()

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "Boost")
        self.cpp_info.set_property("cmake_find_mode", "none")  # the distribution's own BoostConfig.cmake serves
        self.cpp_info.bindirs = self.cpp_info.libdirs = self.cpp_info.includedirs = []
        headers = self.cpp_info.components["headers"]
        headers.set_property("cmake_target_name", "Boost::headers")
        headers.bindirs = headers.libdirs = headers.includedirs = []
