# SPDX-License-Identifier: Apache-2.0
"""The compiled part; everything else stands in pyproject.toml."""

from setuptools import setup
from torch.utils.cpp_extension import BuildExtension, CppExtension

setup(
    ext_modules=[CppExtension("rms_norm_before._C", ["csrc/rms_norm.cc"])],
    cmdclass={"build_ext": BuildExtension},
)
