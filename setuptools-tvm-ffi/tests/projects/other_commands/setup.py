from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py
from setuptools_tvm_ffi import TVMFFIExtension


class StampedBuildPy(build_py):
    def run(self):
        super().run()
        if not self.editable_mode:
            Path(self.build_lib, "other_pkg", "written_by_build_py.txt").write_text("py\n")


class StampedBuildExt(build_ext):
    def run(self):
        super().run()
        names = [extension.name for extension in self.extensions]
        Path(self.build_lib, "other_pkg").mkdir(parents=True, exist_ok=True)
        Path(self.build_lib, "other_pkg", "written_by_build_ext.txt").write_text("\n".join(names))

    def build_extension(self, ext):
        assert not isinstance(ext, TVMFFIExtension)
        super().build_extension(ext)


setup(
    cmdclass={"build_py": StampedBuildPy, "build_ext": StampedBuildExt},
    ext_modules=[
        TVMFFIExtension("other_pkg.plain", ["csrc/plain.c"]),
        Extension("other_pkg.cpython", ["csrc/cpython.c"]),
    ],
)
