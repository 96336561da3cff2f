# SPDX-License-Identifier: Apache-2.0
"""A registry of many functions and classes. Their schemas contain every known type."""

from __future__ import annotations

import itertools
import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from named_registries import SOURCE, Names
from setuptools_tvm_ffi.stubs.python_types import RULES

_PYPROJECT = """\
[build-system]
requires = ["setuptools>=77", "setuptools-tvm-ffi"]
build-backend = "setuptools_tvm_ffi.build_meta"

[project]
name = "{package}"
version = "1.0"
dynamic = ["dependencies"]

[[tool.setuptools-tvm-ffi.ext-modules]]
name = "{package}.stress"
sources = ["csrc/registry.c"]
include-dirs = ["csrc"]
define-macros = [["REGISTRY", '"names.h"']]
"""

_CONTAINERS = {"{0}", "{1}"}


def stress_names(package: str, functions: int = 200, classes: int = 60) -> Names:
    """Return the same names each time: three levels of prefixes, four levels of classes."""
    chance = random.Random(package)
    names = Names()
    prefixes = [package, f"{package}.linear", f"{package}.linear.sparse"]
    keys: list[list[str]] = [[] for _ in prefixes]
    depth: dict[str, int] = {}
    for number in range(classes):
        level = number % len(prefixes)
        key = f"{prefixes[level]}.Class{number}"
        # A parent is in the same package or in an outer package, which is imported before.
        above = [k for known in keys[: level + 1] for k in known if depth[k] < 4]
        parent = above[-1] if above and number % 5 else ""
        names.type(key, parent, doc=f"Class {number}.\n\nWith a second paragraph.")
        depth[key] = depth.get(parent, 0) + 1
        keys[level].append(key)
    every = [key for known in keys for key in known]
    types = itertools.cycle(list(schemas(every)))
    for number, key in enumerate(every):
        for field in range(3):
            text, writable = json.dumps(next(types)), "1" * (field % 2)
            names.field(key, f"field{number}_{field}", text, f"Field {field}.", writable)
        for method in range(4):
            own: list[dict[str, Any]] = [{"type": key}] * (method > 0)
            parameters = own + [next(types) for _ in range(method)]
            schema = function_schema(next(types), parameters)
            names.method(
                key, f"method{number}_{method}", schema, doc(chance, method), "1" * (not method)
            )
    for number in range(functions):
        prefix = prefixes[number % len(prefixes)]
        parameters = [next(types) for _ in range(number % 4)]
        name = f"function{number}"
        text = doc(chance, len(parameters), name)
        names.function(f"{prefix}.{name}", function_schema(next(types), parameters), text)
    return names


def schemas(keys: list[str]) -> Iterator[dict[str, Any]]:
    """Yield the schema of each type that has a rule, and of the classes, also in containers."""
    whole: dict[str, Any] = {"type": "int"}
    for rule in RULES:
        for origin in rule.origins:
            args = [whole] * sum(mark in rule.accepts for mark in _CONTAINERS)
            yield {"type": origin, "args": args} if args else {"type": origin}
    for key in keys:
        yield {"type": key}
        yield {"type": "ffi.Array", "args": [{"type": key}]}
        yield {"type": "Optional", "args": [{"type": key}]}
    yield {"type": "Variant", "args": [whole, {"type": "ffi.String"}, {"type": "None"}]}
    yield {"type": "Tuple", "args": [whole, {"type": "ffi.Map", "args": [whole, whole]}]}
    yield {"type": "Tuple", "args": []}
    yield {"type": "std::optional", "args": [{"type": "DLTensor*"}]}
    yield {"type": "Expected", "args": [whole, {"type": "ffi.Error"}]}
    yield {"type": "ffi.Function"}
    yield json.loads(function_schema(whole, [whole, {"type": "ffi.Array", "args": [whole]}]))


def function_schema(result: Any, parameters: list[dict[str, Any]]) -> str:
    named = {"return": [result], "params": parameters}
    return json.dumps({"type": "ffi.Function", "named_args": named})


def doc(chance: random.Random, count: int, name: str = "") -> str:
    """Return a docstring. It may describe the parameters in one of the supported formats."""
    listed = [f"argument{number}" for number in range(count)]
    numpydoc = "".join(f"{word} : object\n    What it is.\n" for word in listed)
    google = "".join(f"    {word}: What it is.\n" for word in listed)
    return chance.choice(
        (
            "Do it.",
            f"{name}({', '.join(listed)})\n\nDo it.",
            f"Do it.\n\nParameters\n----------\n{numpydoc}",
            f"Do it.\n\nArgs:\n{google}",
        )
    )


def write_project(folder: Path, package: str) -> Path:
    """Write a project whose library registers the names of `stress_names`; return its folder."""
    (folder / "csrc").mkdir(parents=True)
    (folder / package).mkdir()
    (folder / package / "__init__.py").touch()
    shutil.copy(SOURCE, folder / "csrc" / "registry.c")
    lines = stress_names(package).text().splitlines()
    literals = "".join(f'    "{line}\\n"\n' for line in lines)
    header = f"static const char kRegistry[] =\n{literals}    ;\n"
    (folder / "csrc" / "names.h").write_text(header, encoding="ascii")
    (folder / "pyproject.toml").write_text(_PYPROJECT.format(package=package), encoding="ascii")
    return folder
