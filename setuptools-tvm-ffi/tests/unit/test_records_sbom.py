# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from typing import Any

import pytest
from sbom_schema import assert_valid
from setuptools_tvm_ffi import __version__
from setuptools_tvm_ffi.records.sbom import Library, MainComponent, Part, render
from setuptools_tvm_ffi.toolchains import Compiler

ARCHIVE = Part("libz.a", path="third_party/libz.a", sha256="cd" * 32, kind="file")
ZLIB = Part(
    *("zlib", "1.3.1", "Zlib", "pkg:github/madler/zlib@v1.3.1"),
    path="third_party/libz.a",
    sha256="cd" * 32,
)
CUDART = Part("cudart_static", "13.0", publisher="NVIDIA Corporation")
GCC = Compiler(("ccache", "/home/me/bin/g++"), "gcc", "g++ (Debian 12.2.0-14) 12.2.0")


def document(**changed: Any) -> dict[str, Any]:
    """Return an SBOM, and assert that it is valid under CycloneDX's schema."""
    text = rendered(**changed).decode()
    assert_valid(text)
    made: dict[str, Any] = json.loads(text)
    references = [made["metadata"]["component"]["bom-ref"]]
    references += [component["bom-ref"] for component in made["components"]]
    assert sorted(references) == sorted(d["ref"] for d in made["dependencies"])
    assert len(set(references)) == len(references)
    named = {r for d in made["dependencies"] for r in d.get("dependsOn", ())}
    assert named <= set(references)
    return made


def rendered(**changed: Any) -> bytes:
    given: dict[str, Any] = {
        "package": MainComponent("My.Package", "1.0", "MIT", "What it does"),
        "tvm_ffi_version": "0.1.15.post2",
        "compilers": {"cxx": GCC},
        "libraries": [Library("pkg/libops.so", "ab" * 32)],
        "date": None,
    }
    return render(**{**given, **changed})


def component(made: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = (c for c in made["components"] if c["name"] == name)
    return dict(found)


def depends_on(made: dict[str, Any], reference: str) -> list[str]:
    (found,) = (d.get("dependsOn", []) for d in made["dependencies"] if d["ref"] == reference)
    return list(found)


def test_the_sbom_describes_the_package() -> None:
    made = document()
    assert made["metadata"]["component"] == {
        "type": "library",
        "bom-ref": "pkg:pypi/my-package@1.0",
        "name": "My.Package",
        "version": "1.0",
        "description": "What it does",
        "licenses": [{"expression": "MIT"}],
        "purl": "pkg:pypi/my-package@1.0",
    }
    (tool,) = made["metadata"]["tools"]["components"]
    assert (tool["name"], tool["version"]) == ("setuptools-tvm-ffi", __version__)


def test_a_package_without_license_and_summary_is_described() -> None:
    made = document(package=MainComponent("p", "1!0.1+a.b"), libraries=[], compilers={})
    assert made["metadata"]["component"] == {
        "type": "library",
        "bom-ref": "pkg:pypi/p@1%210.1%2Ba.b",
        "name": "p",
        "version": "1!0.1+a.b",
        "purl": "pkg:pypi/p@1%210.1%2Ba.b",
    }


def test_a_library_is_listed_with_its_digest_and_dependencies() -> None:
    made = document(
        libraries=[
            Library("pkg/libcore.so", "ab" * 32),
            Library("pkg/libops.so", "cd" * 32, siblings=["pkg/libcore.so"]),
            Library("pkg/libalone.so", "ef" * 32, links_tvm_ffi=False),
        ]
    )
    ops = component(made, "libops.so")
    assert ops["hashes"] == [{"alg": "SHA-256", "content": "cd" * 32}]
    assert ops["properties"][0]["value"] == "pkg/libops.so"
    tvm_ffi = "pkg:pypi/apache-tvm-ffi@0.1.15.post2"
    assert depends_on(made, ops["bom-ref"]) == [tvm_ffi, "library:pkg/libcore.so"]
    assert depends_on(made, "library:pkg/libalone.so") == []
    assert len(depends_on(made, "pkg:pypi/my-package@1.0")) == 3


def test_apache_tvm_ffi_is_listed_with_the_release_that_was_built_against() -> None:
    tvm_ffi = component(document(tvm_ffi_version="0.1.16"), "apache-tvm-ffi")
    assert tvm_ffi["version"] == "0.1.16"
    assert tvm_ffi["purl"] == "pkg:pypi/apache-tvm-ffi@0.1.16"


def test_a_described_archive_is_listed_by_its_name() -> None:
    made = document(parts=[ZLIB, Part("fmt")])
    assert component(made, "zlib") == {
        "type": "library",
        "bom-ref": "part:third_party/libz.a",
        "name": "zlib",
        "version": "1.3.1",
        "hashes": [{"alg": "SHA-256", "content": "cd" * 32}],
        "licenses": [{"expression": "Zlib"}],
        "purl": "pkg:github/madler/zlib@v1.3.1",
        "properties": [
            {"name": "setuptools-tvm-ffi:path-in-project", "value": "third_party/libz.a"}
        ],
    }
    assert component(made, "fmt") == {"type": "library", "bom-ref": "part:fmt", "name": "fmt"}
    assert depends_on(made, "pkg:pypi/my-package@1.0")[1:] == ["part:fmt", ZLIB.reference]


def test_an_undescribed_archive_is_listed_as_a_file() -> None:
    made = document(libraries=[Library("pkg/libops.so", "ab" * 32, parts=[ARCHIVE])])
    archive = component(made, "libz.a")
    assert archive["type"] == "file"
    assert archive["hashes"] == [{"alg": "SHA-256", "content": "cd" * 32}]
    assert archive["bom-ref"] in depends_on(made, "library:pkg/libops.so")


def test_code_in_two_libraries_is_listed_once() -> None:
    made = document(
        libraries=[Library(f"pkg/lib{n}.so", "ab" * 32, parts=[CUDART, ZLIB]) for n in "ab"]
    )
    assert component(made, "cudart_static")["publisher"] == "NVIDIA Corporation"
    for name in "ab":
        parts = depends_on(made, f"library:pkg/lib{name}.so")[1:]
        assert parts == [CUDART.reference, ZLIB.reference]


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("g++ (Debian 12.2.0-14+deb12u1) 12.2.0", "12.2.0"),
        ("gcc (GCC) 14.1.1 20240620 (Red Hat 14.1.1-6)", "14.1.1"),
        ("Debian clang version 14.0.6", "14.0.6"),
        ("Apple clang version 15.0.0 (clang-1500.3.9.4)", "15.0.0"),
        ("Microsoft (R) C/C++ Optimizing Compiler Version 19.38.33133 for x64", "19.38.33133"),
        ("Cuda compilation tools, release 13.0, V13.0.88", "13.0"),
        ("HIP version: 6.0.32831-204d35d16", "6.0.32831-204d35d16"),
        ("a compiler", None),
    ],
)
def test_compilers_are_listed_in_the_formulation(said: str, version: str | None) -> None:
    made = document(compilers={"cxx": Compiler(("c++",), "gcc", said)})
    (compiler,) = made["formulation"][0]["components"]
    assert (compiler["name"], compiler["description"]) == ("gcc", said)
    assert compiler.get("version") == version


def test_the_sbom_contains_no_path_of_the_machine() -> None:
    assert b"/home/me" not in rendered()


def test_the_same_build_gives_the_same_bytes_in_any_order_of_languages() -> None:
    c = Compiler(("cc",), "gcc", "cc 12.2.0")
    assert rendered(compilers={"c": c, "cxx": GCC}) == rendered(compilers={"cxx": GCC, "c": c})


def test_the_serial_number_depends_on_the_content() -> None:
    first, again, other = document(), document(), document(tvm_ffi_version="0.1.16")
    assert first["serialNumber"] == again["serialNumber"] != other["serialNumber"]


def test_the_timestamp_is_the_date_of_the_sources() -> None:
    assert "timestamp" not in document()["metadata"]
    assert document(date=1700000000)["metadata"]["timestamp"] == "2023-11-14T22:13:20Z"
