# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from setuptools_tvm_ffi import __version__
from setuptools_tvm_ffi.records import build_record
from setuptools_tvm_ffi.records.build_record import LibraryRecord
from setuptools_tvm_ffi.toolchains import Compiler


def rendered(
    arguments: Mapping[str, Sequence[str]],
    *,
    root: str = "/home/me/project",
    compilers: Mapping[str, Compiler] | None = None,
) -> bytes:
    return build_record.render(
        tvm_ffi_version="0.1.15.post2",
        abi_floor="0.1.9",
        platform="linux-x86_64",
        compilers=compilers or {},
        libraries=[LibraryRecord("pkg.ops", "ops", "pkg/libops.so", "ab" * 32, arguments)],
        root=root,
        environment={
            "/tmp/env-x1/lib/site-packages": "site-packages",
            "/tmp/env-x1": "build-environment",
        },
    )


def arguments_of(record: bytes) -> Any:
    return json.loads(record)["libraries"][0]["arguments"]


def test_the_record_contains_compilers_and_arguments() -> None:
    compilers = {
        "cxx": Compiler(("ccache", "g++"), "gcc", "g++ 12.2.0"),
        "c": Compiler(("gcc",), "gcc", "gcc 12.2.0"),
    }
    record = json.loads(rendered({"cxx": ("-O3",), "link": ("-shared",)}, compilers=compilers))
    assert record == {
        "schema": 1,
        "generator": f"setuptools-tvm-ffi {__version__}",
        "apache-tvm-ffi": {"built-against": "0.1.15.post2", "abi-floor": "0.1.9"},
        "platform": "linux-x86_64",
        "compilers": {
            "c": {"command": ["gcc"], "version": "gcc 12.2.0"},
            "cxx": {"command": ["ccache", "g++"], "version": "g++ 12.2.0"},
        },
        "libraries": [
            {
                "extension": "pkg.ops",
                "target": "ops",
                "path": "pkg/libops.so",
                "sha256": "ab" * 32,
                "arguments": {"cxx": ["-O3"], "link": ["-shared"]},
                "source-arguments": {},
            }
        ],
    }


@pytest.mark.parametrize(
    ("argument", "written"),
    [
        ("-ffile-prefix-map=/home/me/project=.", "-ffile-prefix-map=.=."),
        ("-I/home/me/project/include", "-I./include"),
        ("/home/me/project", "."),
        ("-L/home/me/project/a:/home/me/project/b", "-L./a:./b"),
        ("-I/opt/include", "-I/opt/include"),
        ("-I/tmp/env-x1/lib/site-packages/numpy/include", "-Isite-packages/numpy/include"),
        ("-L/tmp/env-x1/lib", "-Lbuild-environment/lib"),
        ("-L/tmp/env-x12/lib", "-L/tmp/env-x12/lib"),
        (
            "-ffile-prefix-map=/tmp/env-x1/lib/site-packages=site-packages",
            "-ffile-prefix-map=site-packages=site-packages",
        ),
        ("-O3", "-O3"),
    ],
)
def test_folders_in_arguments_are_replaced(argument: str, written: str) -> None:
    assert arguments_of(rendered({"cxx": [argument]})) == {"cxx": [written]}


def test_a_sibling_folder_of_the_root_is_not_replaced() -> None:
    argument = "-I/home/me/project-headers/include"
    assert arguments_of(rendered({"cxx": [argument]})) == {"cxx": [argument]}


def test_the_same_build_in_another_folder_gives_the_same_bytes() -> None:
    def record(root: str) -> bytes:
        compilers = {"cxx": Compiler(("g++",), "gcc", "g++ 12")}
        arguments = {"cxx": [f"-I{root}/include", f"-ffile-prefix-map={root}=."]}
        return rendered(arguments, root=root, compilers=compilers)

    assert record("/home/me/project") == record("/tmp/a b") == record("/tmp/ü")


def test_a_compiler_inside_the_project_gives_the_same_bytes_in_another_folder() -> None:
    def record(root: str) -> bytes:
        compilers = {"cxx": Compiler((f"{root}/tools/zig", "c++"), "clang", "clang 18")}
        return rendered({}, root=root, compilers=compilers)

    assert record("/home/me/project") == record("/tmp/other")


def test_compilers_are_sorted() -> None:
    c, cxx = Compiler(("cc",), "gcc", "1"), Compiler(("c++",), "gcc", "1")
    assert rendered({}, compilers={"c": c, "cxx": cxx}) == rendered(
        {}, compilers={"cxx": cxx, "c": c}
    )


def test_the_order_of_arguments_is_kept() -> None:
    arguments = {"cxx": ["-b", "-a", "-c"], "link": ["-z", "-y"]}
    assert arguments_of(rendered(arguments)) == arguments


def test_the_file_is_readable_text_with_a_final_newline() -> None:
    text = rendered({"cxx": ["-DNAME=ü"]}).decode("utf-8")
    assert text.startswith('{\n  "schema": 1,\n')
    assert text.endswith("}\n")
    assert '"-DNAME=ü"' in text


# --- after a repair -----------------------------------------------------------------------------


def test_a_changed_library_has_both_its_shipped_and_its_built_digest() -> None:
    before = rendered({"link": ("-shared",)})
    after = json.loads(
        build_record.refreshed(before, {"pkg/libops.so": "cd" * 32}, repaired_with="tool 1.0")
    )
    (library,) = after["libraries"]
    assert (library["sha256"], library["built-sha256"]) == ("cd" * 32, "ab" * 32)
    assert after["repaired-with"] == "tool 1.0"
    # The other fields are unchanged.
    del library["built-sha256"], after["repaired-with"]
    library["sha256"] = "ab" * 32
    assert after == json.loads(before)


def test_several_repairs_keep_the_digest_of_the_built_library() -> None:
    once = build_record.refreshed(
        rendered({}), {"pkg/libops.so": "cd" * 32}, repaired_with="tool 1.0"
    )
    twice = build_record.refreshed(once, {"pkg/libops.so": "ef" * 32}, repaired_with="tool 2.0")
    (library,) = json.loads(twice)["libraries"]
    assert (library["sha256"], library["built-sha256"]) == ("ef" * 32, "ab" * 32)
    assert json.loads(twice)["repaired-with"] == "tool 2.0"


@pytest.mark.parametrize("digests", [{"pkg/libops.so": "ab" * 32}, {"pkg/other.so": "cd" * 32}, {}])
def test_without_changed_libraries_the_record_does_not_change(
    digests: dict[str, str],
) -> None:
    before = rendered({})
    assert build_record.refreshed(before, digests, repaired_with="tool 1.0") is before


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"{}", b'{"libraries": 3}', b'{"libraries": [[]]}', b"\xff", b"[" * 100_000],
)
def test_an_invalid_record_is_rejected(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        build_record.refreshed(content, {}, repaired_with="tool 1.0")
