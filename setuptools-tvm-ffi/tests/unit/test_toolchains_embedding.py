# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from setuptools_tvm_ffi.base.errors import ConfigurationError
from setuptools_tvm_ffi.settings import ExtensionSettings
from setuptools_tvm_ffi.settings.declaration import Declaration
from setuptools_tvm_ffi.settings.model import EmbedSettings
from setuptools_tvm_ffi.toolchains.embedding import assembly, check_architectures

WHERE = Declaration("pyproject.toml: tool.x.embed[0]", in_toml=True)
SOURCE = EmbedSettings("env", source="scale.cu", format="cubin", declaration=WHERE)
FILE = EmbedSettings("env", file="a.cubin", declaration=WHERE)


def test_the_assembly_defines_the_symbols_of_upstreams_macro_for_one_library() -> None:
    lines = [line.strip() for line in assembly(FILE, "a.cubin", "linux").splitlines()]
    symbol = "__tvm_ffi__cubin_env"
    content = lines.index('.incbin "a.cubin"')
    assert lines[content - 1] == f"{symbol}:"
    assert lines[-3] == f"{symbol}_end:"
    for name in (symbol, f"{symbol}_end"):
        assert {f".globl {name}", f".hidden {name}"} <= set(lines)
    assert lines[-1] == '.section .note.GNU-stack, "", %progbits'  # No executable stack.
    assert ".balign 64" in lines


def test_a_path_with_special_characters_is_quoted() -> None:
    assert r'.incbin "a \"b\" \\c"' in assembly(FILE, r'a "b" \c', "linux")


@pytest.mark.parametrize("system", ["darwin", "windows"])
@pytest.mark.parametrize(("entry", "key"), [(SOURCE, "source"), (FILE, "file")])
def test_systems_without_elf_are_refused_by_key(
    system: str, entry: EmbedSettings, key: str
) -> None:
    with pytest.raises(ConfigurationError, match=rf"embed\[0\]\.{key}: .*Linux") as caught:
        assembly(entry, "x", system)
    assert "'overrides'" in str(caught.value.hint)
    assert "sys_platform == 'linux'" in str(caught.value.hint)


@pytest.mark.parametrize(("flags", "accepted"), [((), False), (("x",), True), (("x", "y"), False)])
def test_a_cubin_needs_exactly_one_architecture(flags: tuple[str, ...], *, accepted: bool) -> None:
    settings = ExtensionSettings("pkg.ops", ("a.cc",))
    words = ("-O3", *(f"-gencode=arch={flag}" for flag in flags))
    check_architectures(settings, EmbedSettings("env", source="scale.cu"), words)
    if accepted:
        check_architectures(settings, SOURCE, words)
        return
    with pytest.raises(ConfigurationError, match=r"embed\[0\]\.format: .*cuda_architectures"):
        check_architectures(settings, SOURCE, words)
