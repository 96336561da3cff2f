# SPDX-License-Identifier: Apache-2.0
"""The compiled part of my-ffi-extension; everything else stands in pyproject.toml."""

from setuptools import setup
from setuptools_tvm_ffi import TVMFFIExtension

setup(
    ext_modules=[
        TVMFFIExtension(
            "my_ffi_extension.my_ffi_extension",
            ["csrc/**/*.cc", "csrc/**/*.c"],
            include_dirs=["csrc/include"],
        )
    ]
)
