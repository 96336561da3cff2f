# SPDX-License-Identifier: Apache-2.0
"""Declares the library of my-ffi-extension. pyproject.toml contains everything else."""

from setuptools import setup
from setuptools_tvm_ffi import TVMFFIExtension

setup(
    ext_modules=[
        TVMFFIExtension(
            "my_ffi_extension.my_ffi_extension",
            ["csrc/**/*.cc", "csrc/**/*.c"],
            include_dirs=["csrc/include"],
            call_signatures=True,
        )
    ]
)
