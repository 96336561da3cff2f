from setuptools import setup
from setuptools_tvm_ffi import TVMFFIExtension

setup(ext_modules=[TVMFFIExtension("small_pkg.small", ["csrc/*.cc"], include_dirs=["csrc"])])
