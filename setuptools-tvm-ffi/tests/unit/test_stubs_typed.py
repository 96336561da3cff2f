# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

from setuptools_tvm_ffi.ffi.type_schema import Schema
from setuptools_tvm_ffi.settings import ExtensionSettings
from setuptools_tvm_ffi.stubs.chosen import Chosen
from setuptools_tvm_ffi.stubs.registry import Function, ObjectType, Registry
from setuptools_tvm_ffi.stubs.requests import StubRequest
from setuptools_tvm_ffi.stubs.typed import type_stubs

REQUEST = StubRequest(
    ExtensionSettings("pkg.one", ("a.cc",)), "pkg", Path("build/libone.so"), "0", "0.1.15", {}
)


def function(name: str, *parameters: str) -> Function:
    types = tuple(map(Schema, parameters))
    return Function(name, Schema("ffi.Function", result=Schema("int"), parameters=types), None)


def test_functions_that_python_cannot_call_are_named_as_users_call_them() -> None:
    methods = (
        function("__ffi_init__", "const char*"),
        function("rename", "pkg.Box", "const char*"),
        function("size", "pkg.Box"),
    )
    box = ObjectType("pkg.Box", None, None, constructor=True, fields=(), methods=methods)
    registry = Registry(
        functions={"pkg.f": function("pkg.f", "TVMFFIByteArray*"), "pkg.g": function("pkg.g")},
        types={"pkg.Box": box},
        symbols={"h": function("h", "const char*")},
        parents={},
        python_classes={},
        module_attributes=frozenset(),
        makes_constructors=True,
    )
    names = ("pkg.f", "pkg.g", "pkg.Box")
    chosen = Chosen(registry, {}, frozenset(), names, names, ())
    _, warnings = type_stubs(REQUEST, {}, {}, chosen)
    found = [warning.partition("cannot call ")[2].partition(",")[0] for warning in warnings]
    assert found == ["pkg.f", "LIB.h", "pkg.Box(…)", "pkg.Box.rename"]
    assert "TVMFFIByteArray*" in warnings[0]
