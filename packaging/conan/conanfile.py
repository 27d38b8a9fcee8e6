"""Conan 2 recipe: `conan create packaging/conan`.

It builds the sources that it lies in. CAF comes from Conan's centre; with your
own, leave the requirement out and set CAF_ROOT.
"""

import os
import re

from conan import ConanFile
from conan.tools.build import check_min_cppstd
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import copy, load

COMPONENTS = ("cluster", "durable", "observer")


class Troupe(ConanFile):
    name = "troupe"
    description = "Workers with a managed lifecycle and supervision trees for CAF"
    license = "BSD-3-Clause"
    topics = ("actors", "supervision", "coroutines")
    settings = "os", "arch", "compiler", "build_type"
    package_type = "library"
    options = {"shared": [True, False], "fPIC": [True, False]} | {
        x: [True, False] for x in COMPONENTS
    }
    default_options = {"shared": False, "fPIC": True} | {x: False for x in COMPONENTS}
    root = os.path.join(os.path.dirname(__file__), "..", "..")

    def set_version(self):
        text = load(self, os.path.join(self.root, "CMakeLists.txt"))
        self.version = re.search(r"VERSION (\d+\.\d+\.\d+)", text)[1]

    def export_sources(self):
        for pattern in ("CMakeLists.txt", "LICENSE", "cmake/*", "include/*", "actors/*"):
            copy(self, pattern, self.root, self.export_sources_folder)

    def requirements(self):
        self.requires("caf/[>=1.0 <2]", transitive_headers=True)
        if self.options.observer:
            self.requires("boost/[>=1.74]")
            self.requires("zlib/[>=1.2]")
        if self.options.observer or self.options.cluster:
            self.requires("nlohmann_json/[>=3.10]")
        if self.options.durable:
            self.requires("sqlitecpp/[>=3.2]", transitive_headers=True)
        if self.options.cluster:
            self.requires("libcurl/[>=7.80]")

    def validate(self):
        check_min_cppstd(self, 20)

    def layout(self):
        cmake_layout(self)

    def generate(self):
        CMakeDeps(self).generate()
        toolchain = CMakeToolchain(self)
        for name in ("TESTS", "EXAMPLES", "BENCH", "TOOLS"):
            toolchain.variables[f"TROUPE_BUILD_{name}"] = False
        for name in COMPONENTS:
            wanted = bool(self.options.get_safe(name))
            toolchain.variables[f"TROUPE_BUILD_{name.upper()}"] = wanted
        toolchain.variables["TROUPE_INSTALL"] = True
        toolchain.generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        CMake(self).install()
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))

    def package_info(self):
        # troupe's own package file knows its components.
        self.cpp_info.set_property("cmake_find_mode", "none")
        self.cpp_info.builddirs.append(os.path.join("lib", "cmake", "troupe"))
