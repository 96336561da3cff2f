# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from setuptools_tvm_ffi.settings import ExtensionSettings
from setuptools_tvm_ffi.settings.declaration import Declaration
from setuptools_tvm_ffi.settings.languages import LanguageArguments
from setuptools_tvm_ffi.settings.model import SourceOptions
from setuptools_tvm_ffi.settings.overrides import with_options


def test_matching_source_options_are_added_in_order_and_the_last_value_wins() -> None:
    extension = ExtensionSettings(
        "pkg.ops",
        ("*",),
        define_macros=(("A", None),),
        extra_compile_args=LanguageArguments(cxx=("-x0",)),
        cuda_architectures=("8.0",),
        declaration=Declaration("ext", in_toml=True),
    )
    entries = (
        SourceOptions(
            sources=("*",),
            define_macros=(("B", "1"),),
            extra_compile_args=LanguageArguments(cxx=("-x1",), c=("-c1",)),
            cxx_std="20",
            cuda_architectures=("9.0",),
            declaration=Declaration("ext.source-options[0]", in_toml=True),
        ),
        SourceOptions(
            sources=("*",),
            define_macros=(("C", None),),
            cxx_std="23",
            cuda_architectures=("9.0a", "10.0a"),
            unity=False,
            declaration=Declaration("ext.source-options[1]", in_toml=True),
        ),
    )
    made = with_options(extension, entries)
    assert made == ExtensionSettings(
        "pkg.ops",
        ("*",),
        define_macros=(("A", None), ("B", "1"), ("C", None)),
        extra_compile_args=LanguageArguments(cxx=("-x0", "-x1"), c=("-c1",)),
        cxx_std="23",
        cuda_architectures=("9.0a", "10.0a"),
    )
    assert made.place("cuda_architectures") == "ext.source-options[1].cuda-architectures"
    assert made.place("define_macros").split(", ") == [
        "ext.define-macros",
        "ext.source-options[0].define-macros",
        "ext.source-options[1].define-macros",
    ]
    assert made.place("sources") == "ext.sources"
