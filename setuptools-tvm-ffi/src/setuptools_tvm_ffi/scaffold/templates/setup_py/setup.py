from setuptools import setup
from setuptools_tvm_ffi import TVMFFIExtension

setup(
    ext_modules=[
        TVMFFIExtension(
            "my_package.my_package",  # the package, then the library
            ["csrc/**/*.cc"],
        )
    ]
)
