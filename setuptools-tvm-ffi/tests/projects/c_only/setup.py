from setuptools import setup
from setuptools_tvm_ffi import TVMFFIExtension

setup(ext_modules=[TVMFFIExtension("c_only_pkg.c_only", ["csrc/*.c"])])
