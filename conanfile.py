# Distributed under the Boost Software License, Version 1.0.
import os
import re

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.build import check_min_cppstd
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain
from conan.tools.files import copy, load

required_conan_version = ">=2.4"


class StraitConan(ConanFile):
    name = "strait"
    package_type = "header-library"
    license = "BSL-1.0"
    description = "Typed inter-process channels whose mechanism is a template parameter"
    topics = ("ipc", "shared-memory", "message-queue", "sockets", "header-only")
    settings = "os", "compiler", "build_type", "arch"  # package_id() drops them where there are only headers
    options = {"with_tool": [True, False]}  # also the command strait
    default_options = {"with_tool": False}
    exports_sources = "include/*", "tool/*", "CMakeLists.txt", "LICENSE"
    no_copy_source = True
    test_package_folder = "test/package/conan"

    def set_version(self):
        text = load(self, os.path.join(self.recipe_folder, "include/strait/version.hpp"))
        self.version = ".".join(re.search(rf"STRAIT_VERSION_{part} (\d+)", text)[1]
                                for part in ("MAJOR", "MINOR", "PATCH"))

    def requirements(self):
        # Only headers are needed: consumers may pass -o 'boost/*:header_only=True'. It is not set here, because whether
        # it wins would depend on the order of the consumer's own requirements.
        self.requires("boost/[>=1.81 <2]", transitive_headers=True)
        if self.options.with_tool:
            self.requires("cli11/[>=2.1 <3]", visible=False)
            self.requires("nlohmann_json/[>=3.11 <4]", visible=False)

    def configure(self):
        if self.options.with_tool:
            self.package_type = "unknown"  # headers, and a program

    def package_id(self):
        if not self.info.options.with_tool:
            self.info.clear()

    def generate(self):
        if self.options.with_tool:
            toolchain = CMakeToolchain(self)
            toolchain.cache_variables.update(STRAIT_BUILD_TOOL=True, STRAIT_BUILD_TESTS=False, STRAIT_BUILD_EXAMPLES=False)
            toolchain.generate()
            CMakeDeps(self).generate()

    def build(self):
        if self.options.with_tool:
            cmake = CMake(self)
            cmake.configure()
            cmake.build(target="strait_tool")

    def validate(self):
        check_min_cppstd(self, 20)
        if self.settings.os != "Linux":
            raise ConanInvalidConfiguration("strait uses Linux system calls")

    def package(self):
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        copy(self, "*.hpp", os.path.join(self.source_folder, "include"), os.path.join(self.package_folder, "include"))
        if self.options.with_tool:
            CMake(self).install(component="tool")

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "strait")
        self.cpp_info.set_property("cmake_target_name", "strait::strait")
        self.cpp_info.set_property("pkg_config_name", "strait")
        self.cpp_info.requires = ["boost::headers"]
        self.cpp_info.bindirs = ["bin"] if self.options.with_tool else []
        self.cpp_info.libdirs = []
        self.cpp_info.system_libs = ["pthread", "rt"]
