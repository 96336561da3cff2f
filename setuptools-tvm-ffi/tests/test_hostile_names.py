# SPDX-License-Identifier: Apache-2.0
"""Registries with names that Python does not allow.

Either the package can be imported, or its build fails and the error contains the invalid name.

``HOSTILE_REGISTRIES`` sets the number of registries, and ``HOSTILE_SEED`` selects other names:
``HOSTILE_REGISTRIES=200 HOSTILE_SEED=1 pytest …/test_hostile_names.py``.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from named_registries import LIBRARY, Names, compile_library, install, stubs_of
from setuptools_tvm_ffi.base.errors import BuildError

pytestmark = pytest.mark.long

REGISTRIES = int(os.environ.get("HOSTILE_REGISTRIES", "16"))
SEED = int(os.environ.get("HOSTILE_SEED", "0"))

HARMLESS = ("add", "Add", "point", "Point", "größe", "a1", "_private", "match", "type", "数")
HOSTILE = (
    *("import", "class", "None", "lambda", "async"),  # keywords
    *("a-b", "1st", "a b", "", "x.y.", "ﬁ", "a\nb", 'a"b', "a'b", "a\\b", "\x7f", "😀"),
    *("LIB", "_ffi_api", "_FFI_REG_OBJ", "_FFI_INIT_FUNC", "_ffi_Object", "TYPE_CHECKING"),
    *("__init__", "__name__", "__all__", "__getattr__", "__path__", "__class__", "__x"),
    *("str", "int", "object", "property", "Object", "Sequence", "Callable", "staticmethod"),
    *("_Functions", "Functions", "Library", "_Library", "annotations", "self", "cls"),
    *("n" * 300, "ñ" * 140, "ADD", "POINT", "con", "tests"),
)
MEMBERS = (
    *("from", "x", "X", "__slots__", "__dict__", "__init__", "__len__", "__eq__", "same_as"),
    *("a-b", "", "__private", "int", "str", "self", "property", "_0", "größe", "Object"),
)
TYPES = (
    '{"type":"int"}',
    '{"type":"ffi.String"}',
    '{"type":"ffi.Array","args":[{"type":"ffi.String"}]}',
    '{"type":"Optional","args":[{"type":"DLTensor*"}]}',
    '{"type":"nobody.Knows"}',
    "not JSON",
)
DOCS = ("", "plain", 'ends with "', '"""', "back\\slash", "tab\tand\x00null", "à\nb\n  c\n")


def hostile_names(seed: int, package: str) -> Names:
    """The names of one registry: hostile names, and valid names that they may conflict with."""
    chance = random.Random(f"{SEED} {seed}")
    names = Names()
    words = [*HARMLESS, *chance.sample(HOSTILE, 4)]
    prefixes = [package, f"{package}.{chance.choice(words)}", f"{package}.sub"]
    prefixes.append(f"{prefixes[-1]}.{chance.choice(words)}")
    seen = set()
    for _ in range(chance.randint(3, 12)):
        name = f"{chance.choice(prefixes)}.{chance.choice(words)}"
        if name not in seen:
            names.function(name, schema(chance), chance.choice(DOCS))
            seen.add(name)
    keys: list[str] = []
    for _ in range(chance.randint(0, 6)):
        key = f"{chance.choice(prefixes)}.{chance.choice(words)}"
        if key in keys:
            continue
        names.type(key, chance.choice([*keys, ""]), chance.choice(DOCS))
        keys.append(key)
        for member in chance.sample(MEMBERS, chance.randint(0, 4)):
            doc = chance.choice(DOCS)
            if chance.random() < 0.5:
                writable = chance.choice(("", "1"))
                names.field(key, member, chance.choice(TYPES[:-1]), doc, writable)
            else:
                static = chance.choice(("", "1"))
                names.method(key, member, schema(chance, object_=not static), doc, static)
    return names


def schema(chance: random.Random, *, object_: bool = False) -> str:
    parameters = ['{"type":"ffi.Object"}'] * object_
    parameters += chance.choices(TYPES[:-1], k=chance.randint(0, 3))
    result = chance.choice(TYPES[:-1])
    named = f'"named_args":{{"return":[{result}],"params":[{",".join(parameters)}]}}'
    return chance.choice((f'{{"type":"ffi.Function",{named}}}', "", TYPES[-1]))


IMPORT = """
import importlib, json, sys, traceback
sys.path.insert(0, sys.argv[1])
failed = {}
for name in json.load(sys.stdin):
    try:
        module = importlib.import_module(name)
        for exported in getattr(module, "__all__", ()):
            getattr(module, exported)
    except Exception:
        failed[name] = traceback.format_exc()
print(json.dumps(failed))
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_library(tmp_path_factory.mktemp("library"))


def test_every_package_imports_or_its_build_names_the_invalid_name(
    library: Path, tmp_path: Path
) -> None:
    site = tmp_path / "site"
    refusals, modules, left_out = [], [], 0
    for number in range(REGISTRIES):
        package = f"hostile{number}"
        names = hostile_names(number, package)
        try:
            stubs = stubs_of(library, names, package, tmp_path)
        except BuildError as problem:
            refusals.append((names, problem.message))
            continue
        left_out += len(stubs.warnings)
        for path, content in stubs.files.items():
            assert content is not None
            if path.suffix == ".pyi":
                compile(content, str(path), "exec")
        install(library, names, package, stubs, site)
        modules += [
            ".".join(path.with_suffix("").parts).removesuffix(".__init__")
            for path in stubs.files
            if path.suffix == ".py"
        ]
    command = [sys.executable, "-I", "-W", "error::SyntaxWarning", "-c", IMPORT, str(site)]
    process = subprocess.run(
        command, input=json.dumps(modules), capture_output=True, text=True, check=False
    )
    assert process.returncode == 0, process.stderr
    assert json.loads(process.stdout.splitlines()[-1]) == {}
    for names, message in refusals:
        mentioned = [w for _, w, *_ in names.lines if w in message or repr(w) in message]
        assert mentioned or "nothing is registered under" in message
    # Some registries have only usable names, and some are rejected.
    assert len(modules) > REGISTRIES
    assert left_out > REGISTRIES
    assert 0 < len(refusals) < REGISTRIES


def test_an_installed_package_finds_its_library(library: Path, tmp_path: Path) -> None:
    names = Names()
    names.function("named_pkg.f")
    install(library, names, "named_pkg", stubs_of(library, names, "named_pkg", tmp_path), tmp_path)
    assert (tmp_path / "named_pkg" / LIBRARY).is_file()
