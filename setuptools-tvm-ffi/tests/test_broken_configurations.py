# SPDX-License-Identifier: Apache-2.0
"""Each of three hundred broken configurations causes one error with the dotted key, and no wheel.

The tests generate them from a configuration that builds. Each has one known mistake.
"""

from __future__ import annotations

import json
import random
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import fastjsonschema
import pytest
from environments import QUICK, REPOSITORY, Environment
from sample_projects import PROJECTS, Project, ProjectFactory

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TABLE = "tool.setuptools-tvm-ffi"
SCHEMA = REPOSITORY / "setuptools-tvm-ffi/src/setuptools_tvm_ffi/settings/pyproject.schema.json"
BUILD_EACH = Path(__file__).parent / "support" / "build_each.py"

HEAD = """\
[build-system]
requires = ["setuptools>=77", "setuptools-tvm-ffi"]
build-backend = "setuptools_tvm_ffi.build_meta"

[project]
name = "small-project"
version = "1.0"
dynamic = ["dependencies"]

[tool.setuptools]
packages = ["small_pkg"]
"""

# --- valid configurations -----------------------------------------------------------------------

#: The kind of each key, and a valid value in TOML. `test_the_table_of_keys_is_complete` checks it.
PROJECT_KEYS = {
    "build-type": ("choice", '"debug"'),
    "jobs": ("count", "2"),
    "build-dir": ("text", '"build/out"'),
    "compiler-launcher": ("text", '"env"'),
    "strip": ("flag", "true"),
    "lto": ("flag", "false"),
    "warnings-as-errors": ("flag", "true"),
    "cuda-architectures": ("strings", '["9.0a", "10.0+PTX"]'),
    "hip-architectures": ("strings", '["gfx942", "gfx90a:xnack-"]'),
    "target": ("text", '"x86_64-linux-musl"'),
    "abi-floor": ("text", '"0.1.10"'),
    "platform-tag": ("text", '"default"'),
    "editable-rebuild": ("flag", "true"),
    "stubs": ("choice", '"check"'),
    "py-typed": ("flag", "false"),
    "sbom": ("flag", "false"),
}
EXTENSION_KEYS = {
    "name": ("text", '"small_pkg.small"'),
    "sources": ("files", '["csrc/*.cc"]'),
    "include-dirs": ("strings", '["csrc"]'),
    "system-include-dirs": ("strings", '["csrc"]'),
    "include-from": ("strings", '["tvm_ffi/include"]'),
    "define-macros": ("macros", '[["A"], ["B", "1"]]'),
    "undef-macros": ("strings", '["NOT_DEFINED"]'),
    "extra-compile-args": ("arguments", '{ cxx = ["-Wall"] }'),
    "extra-link-args": ("strings", '["-Wl,-O1"]'),
    "extra-objects": ("strings", "[]"),
    "libraries": ("strings", '["m"]'),
    "library-dirs": ("strings", '["csrc"]'),
    "pkg-config": ("strings", "[]"),
    "c-std": ("choice", "17"),
    "cxx-std": ("choice", '"20"'),
    "cuda-std": ("choice", "20"),
    "hip-std": ("choice", "17"),
    "cuda-architectures": ("strings", '["8.9"]'),
    "cuda-runtime": ("choice", '"shared"'),
    "cuda-toolkit": ("flag", "false"),
    "cuda-separable-compilation": ("flag", "false"),
    "hip-architectures": ("strings", '["gfx1100"]'),
    "registry-prefix": ("text", '"small_pkg"'),
    "stubs": ("choice", '"init"'),
    "stubs-target": ("choice", '"python"'),
    "stubs-crate": ("text", '"."'),
    "stub-imports": ("strings", '["tvm_ffi"]'),
    "call-signatures": ("flag", "false"),
    "link-header": ("flag", "true"),
    "link-shared": ("flag", "true"),
    "exclude-libs": ("flag", "true"),
    "prefix-map": ("flag", "true"),
    "msvc-flags": ("flag", "true"),
    "debug-symbols": ("flag", "true"),
    "unity-build": ("flag", "true"),
    "unity-batch-size": ("count", "2"),
    "precompile-headers": ("strings", '["<tvm/ffi/tvm_ffi.h>"]'),
    "depends": ("strings", '["csrc/shared.h"]'),
}
REQUIRED = ("name", "sources", "include-dirs")


@dataclass(frozen=True)
class Configuration:
    """The plugin's tables in a `pyproject.toml`: keys and values in TOML syntax.

    :param below: the text after the keys of `[tool.setuptools-tvm-ffi]`.
    """

    project: dict[str, str] = field(default_factory=dict)
    extensions: tuple[dict[str, str], ...] = ()
    header: str = f"[{TABLE}]"
    extension_header: str = f"[[{TABLE}.ext-modules]]"
    below: str = ""

    def text(self) -> str:
        def lines(keys: dict[str, str]) -> str:
            return "".join(f"{key} = {value}\n" for key, value in keys.items())

        project = f"{self.header}\n{lines(self.project)}" if self.project else ""
        extensions = (f"{self.extension_header}\n{lines(keys)}" for keys in self.extensions)
        return "\n".join((HEAD, project + self.below, *extensions))

    def with_key(self, place: int | None, key: str, value: str) -> Configuration:
        """Set a key of the project, or of one of the extensions."""
        if place is None:
            return replace(self, project={**self.project, key: value})
        extensions = list(self.extensions)
        extensions[place] = {**extensions[place], key: value}
        return replace(self, extensions=tuple(extensions))

    def without_key(self, place: int | None, key: str) -> Configuration:
        if place is None:
            return replace(self, project={k: v for k, v in self.project.items() if k != key})
        extensions = list(self.extensions)
        extensions[place] = {k: v for k, v in extensions[place].items() if k != key}
        return replace(self, extensions=tuple(extensions))


def right(chance: random.Random) -> Configuration:
    """Return a configuration that builds and sets some keys."""
    project = chance.sample(sorted(PROJECT_KEYS), chance.randint(1, 4))
    extensions = []
    for number in range(chance.randint(1, 3)):
        optional = chance.sample(sorted(set(EXTENSION_KEYS) - set(REQUIRED)), chance.randint(0, 4))
        keys = {key: EXTENSION_KEYS[key][1] for key in (*REQUIRED, *optional)}
        if number:
            # The second extension needs another target, and must not write the stubs of the first.
            keys = {**keys, "name": f'"small_pkg.other{number}"', "stubs": '"none"'}
            keys.pop("registry-prefix", None)
        extensions.append(keys)
    return Configuration({key: PROJECT_KEYS[key][1] for key in project}, tuple(extensions))


# --- broken configurations ----------------------------------------------------------------------


@dataclass(frozen=True)
class Broken:
    """A configuration with one mistake.

    :param key: the dotted key that the error must contain.
    :param says: other text that the error must contain.
    """

    what: str
    was: Configuration
    text: str
    key: str
    says: str = ""


def place_of(place: int | None) -> str:
    return TABLE if place is None else f"{TABLE}.ext-modules[{place}]"


def somewhere(chance: random.Random, was: Configuration) -> tuple[int | None, dict[str, Any]]:
    """The project or one of its extensions, and the valid keys."""
    place = chance.choice([None, *range(len(was.extensions))])
    return place, (PROJECT_KEYS if place is None else EXTENSION_KEYS)


def toml_key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key, ensure_ascii=False)


def misspelt(chance: random.Random, key: str) -> str:
    at = chance.randrange(len(key))
    ways: list[Callable[[], str]] = [
        lambda: key[:at] + key[at + 1 :],
        lambda: key[:at] + key[at] + key[at:],
        lambda: key[:at] + key[at : at + 2][::-1] + key[at + 2 :],
        lambda: key[:at] + key[at].upper() + key[at + 1 :],
        lambda: key[:at] + chance.choice("abcxyz_-0") + key[at:],
        lambda: key.replace("-", "_"),
        lambda: key.replace("-", ""),
        lambda: f"{key}s",
        lambda: key.removesuffix("s"),
        lambda: f" {key}",
        lambda: f"{key} ",
        lambda: key.replace("a", "ä", 1),  # letters of other alphabets with the same shape
        lambda: key.replace("e", "\u0435", 1),
    ]
    return chance.choice(ways)()


SUGGESTED = "unknown key, did you mean '"


def a_misspelt_key(chance: random.Random) -> Iterator[Broken]:
    while True:
        was = right(chance)
        place, keys = somewhere(chance, was)
        key = chance.choice(sorted(keys))
        wrong = misspelt(chance, key)
        known = {*keys, "ext-modules"} if place is None else {*keys}
        if not wrong or wrong in known:
            continue
        broken = was.with_key(place, toml_key(wrong), keys[key][1])
        yield Broken("misspelt", was, broken.text(), f"{place_of(place)}.{wrong}", SUGGESTED)


STRANGE_KEYS = (
    "größe",
    "名前",
    "ключ",
    "",
    " ",
    "a.b",
    "a b",
    "-",
    "_",
    "3",
    "'",
    "ext_modules",
    "🔥",
)


def a_strange_key(chance: random.Random) -> Iterator[Broken]:
    """Keys of other tools, keys of other tables, and random words."""
    others = ("cflags", "cmake-args", "define", "language", "optional", "py-limited-api", "verbose")
    while True:
        was = right(chance)
        place, keys = somewhere(chance, was)
        other = EXTENSION_KEYS if place is None else {**PROJECT_KEYS, "ext-modules": None}
        key = chance.choice([*STRANGE_KEYS, *others, *sorted(set(other) - set(keys))])
        broken = was.with_key(place, toml_key(key), chance.choice(['"x"', "3", "[]", "{}"]))
        if place is None and key == "ext-modules":
            continue
        yield Broken("strange", was, broken.text(), f"{place_of(place)}.{key}", "unknown key")


#: A value of each type, and the kinds of keys that accept it.
TYPES: dict[str, tuple[str, set[str]]] = {
    "string": ('"x y"', {"text"}),
    "empty string": ('""', set()),
    "text of lines": ('"""\nx\ny\n"""', {"text"}),
    "integer": ("3", {"count"}),
    "zero": ("0", set()),
    "negative": ("-7", set()),
    "large": ("9223372036854775807", set()),
    "huge": ("1" + "0" * 60, set()),
    "hexadecimal": ("0xffffff", set()),
    "float": ("1.5", set()),
    "whole float": ("2.0", set()),
    "exponent": ("1e308", set()),
    "infinity": ("inf", set()),
    "minus infinity": ("-inf", set()),
    "not a number": ("nan", set()),
    "true": ("true", {"flag"}),
    "datetime": ("2026-01-01T12:30:00Z", set()),
    "local datetime": ("2026-01-01 12:30:00", set()),
    "date": ("2026-01-01", set()),
    "time": ("12:30:00.5", set()),
    "integers": ("[1, 2]", set()),
    "floats": ("[nan, inf]", set()),
    "mixed": ('["a.cc", 3]', set()),
    "lists": ('[["x", "y", "z"]]', set()),
    "tables": ("[{ x = 1 }]", set()),
    "table": ("{ x = 1 }", set()),
    "empty table": ("{}", {"arguments"}),
    "dates": ("[2026-01-01]", set()),
    "flags": ("[true]", set()),
}


def a_value_of_another_type(chance: random.Random) -> Iterator[Broken]:
    """Give each key a value of a type that it does not accept."""
    wrong: dict[tuple[str, bool], list[str]] = {}
    for keys in (PROJECT_KEYS, EXTENSION_KEYS):
        for key, (kind, _) in keys.items():
            names = [name for name, (_, taken) in TYPES.items() if kind not in taken]
            wrong[key, keys is EXTENSION_KEYS] = chance.sample(names, len(names))
    for turn in range(len(TYPES)):
        for (key, in_extension), names in wrong.items():
            if turn < len(names):
                was = right(chance)
                place = chance.randrange(len(was.extensions)) if in_extension else None
                broken = was.with_key(place, key, TYPES[names[turn]][0])
                yield Broken(names[turn], was, broken.text(), f"{place_of(place)}.{key}")


#: Values of the right type that a key does not accept, and a part of the error.
WRONG_VALUES: dict[str, list[tuple[str, str]]] = {
    "build-type": [('"Debug"', "expected one of"), ('"fast"', "expected one of"), ("3", "is 3")],
    "jobs": [("0", "is 0"), ("-1", "is -1"), ("4097", "is 4097"), ("99999999999", "from 1 to")],
    "build-dir": [('""', "is empty"), ('"."', "contains the project"), ('".."', "contains the")],
    "compiler-launcher": [
        ('""', "is empty"),
        ('"  "', "is empty"),
        ('"/nowhere/ccache"', "program '/nowhere/ccache' not found"),
        ('"no-such-launcher --flag"', "program 'no-such-launcher' not found"),
        ('"\'ccache"', "cannot be split"),
    ],
    "cuda-architectures": [
        ('["sm_90"]', "contains 'sm_90'"),
        ('["9"]', "contains '9'"),
        ('["9.0;10.0"]', "contains '9.0;10.0'"),
        ('["9.0a", "Native"]', "contains 'Native'"),
        ('["9.0+PTX+PTX"]', "expected architectures"),
        ('[""]', "contains ''"),
        ('["9.0 "]', "contains '9.0 '"),
    ],
    "hip-architectures": [
        ('["MI300"]', "contains 'MI300'"),
        ('["gfx942", "gfx90a:xnack"]', "contains 'gfx90a:xnack'"),
        ('["9.0"]', "contains '9.0'"),
    ],
    "target": [
        ('"x86_64-linux-gun.2.17"', "is not a target, did you mean"),
        ('"x86_64-linux-gnu"', "needs a minimum glibc version"),
        ('"aarch64-macos.11.3"', "the minor version must be 0"),
    ],
    "abi-floor": [
        ('"latest"', "is not a version"),
        ('">=0.1.9"', "is not a version"),
        ('"0.1.0"', "load_lib_module"),
        ('"99.1"', "is newer than"),
        ('""', "is empty"),
    ],
    "platform-tag": [
        ('""', "expected 'default', 'auto' or a platform tag"),
        ('"manylinux"', "is 'manylinux'"),
        ('"linux_x86_64"', "is 'linux_x86_64'"),
        ('"any"', "is 'any'"),
    ],
    "name": [
        ('""', "dotted package"),
        ('"small"', "dotted package"),
        ('"small-pkg.small"', "dotted package"),
        ('"small_pkg."', "is not a valid file name part"),
        ('"small_pkg.a/b"', "is not a valid file name part"),
        ('"small_pkg.größe"', "is not a valid file name part"),
        ('"small_pkg.tvm_ffi"', "library of apache-tvm-ffi"),
        ('"class.small"', "dotted package"),
        ('"..small"', "dotted package"),
    ],
    "sources": [
        ("[]", "is missing or empty"),
        ('["csrc/shared.h"]', "does not end in"),
        ('["csrc/*"]', "does not end in"),
        ('[""]', "does not end in"),
        ('["csrc/*.cc", "csrc/größe.rs"]', "does not end in"),
    ],
    "define-macros": [
        ("[[]]", "must be a list of"),
        ('[["A", "1", "2"]]', "must be a list of"),
        ('[["A=1"]]', "is not a macro name"),
        ('[["größe"]]', "is not a macro name"),
        ('[["", "1"]]', "is not a macro name"),
        ('["A"]', "must be a list of"),
        ('[["A", 1]]', "must be a list of"),
    ],
    "undef-macros": [
        ('["A B"]', "contains 'A B'"),
        ('["-UA"]', "contains '-UA'"),
        ('[""]', "contains ''"),
    ],
    "extra-compile-args": [
        ('{ "c++" = [] }', "unknown language 'c++'"),
        ("{ cpp = [] }", "unknown language 'cpp'"),
        ("{ cxx = [], CUDA = [] }", "unknown language 'CUDA'"),
        ('{ "größe" = [] }', "unknown language 'größe'"),
        ('{ "" = [] }', "unknown language ''"),
    ],
    "extra-objects": [
        ('["csrc/liba.so"]', "does not end in"),
        ('["csrc/point.cc"]', "does not end in"),
        ('[""]', "does not end in"),
    ],
    "libraries": [
        ('[""]', "contains ''"),
        ('["a b"]', "contains 'a b'"),
        ('["lib/m"]', "contains 'lib/m'"),
        (r'["a\\b"]', "expected names of libraries"),
    ],
    "c-std": [('"c17"', "expected one of"), ("99", "is 99"), ("20", "is 20"), ('""', "is ''")],
    "cxx-std": [('"c++17"', "expected one of"), ("14", "is 14"), ("2", "is 2"), ("-17", "is -17")],
    "cuda-std": [("23", "is 23"), ('"c++17"', "expected one of")],
    "hip-std": [("14", "is 14"), ('"latest"', "expected one of")],
    "cuda-runtime": [('"dynamic"', "expected one of"), ('"Static"', "is 'Static'")],
    "registry-prefix": [
        ('""', "expected dotted names"),
        ('"small-pkg"', "expected dotted names"),
        ('".small_pkg"', "expected dotted names"),
        ('"small_pkg..ops"', "expected dotted names"),
        ('"größe"', "expected dotted names"),
    ],
    "stubs": [('"yes"', "is 'yes'"), ('"Init"', "is 'Init'"), ('""', "is ''")],
    "stubs-target": [('"Rust"', "is 'Rust'"), ('"c"', "expected one of"), ('""', "is ''")],
    "stubs-crate": [('""', "is empty"), ('"  "', "is empty")],
    "stub-imports": [
        ('["small-pkg"]', "contains 'small-pkg'"),
        ('["tvm_ffi", ".ops"]', "contains '.ops'"),
        ('["a..b"]', "expected dotted module names"),
        ('[""]', "contains ''"),
    ],
}
#: Lists of arbitrary strings.
FREE_LISTS = ("include-dirs", "extra-link-args", "library-dirs", "depends")


def a_value_out_of_range(chance: random.Random) -> Iterator[Broken]:
    every = [(key, *wrong) for key, values in WRONG_VALUES.items() for wrong in values]
    chance.shuffle(every)
    for key, value, says in every:
        was = right(chance)
        in_extension = key in EXTENSION_KEYS and (key not in PROJECT_KEYS or chance.random() < 0.5)
        place = chance.randrange(len(was.extensions)) if in_extension else None
        broken = was.with_key(place, key, value)
        yield Broken("value", was, broken.text(), f"{place_of(place)}.{key}", says)


def wrong_nesting(chance: random.Random) -> Iterator[Broken]:
    """Write tables instead of lists, lists instead of tables, and tables inside other values."""
    ways: list[Callable[[Configuration], tuple[Configuration, str, str]]] = []

    def way(make: Callable[[Configuration], tuple[Configuration, str, str]]) -> None:
        ways.append(make)

    @way
    def extensions_are_one_table(was: Configuration) -> tuple[Configuration, str, str]:
        return (
            replace(was, extensions=was.extensions[:1], extension_header=f"[{TABLE}.ext-modules]"),
            f"{TABLE}.ext-modules",
            "must be an array of tables",
        )

    @way
    def extensions_are_tables_by_their_names(was: Configuration) -> tuple[Configuration, str, str]:
        header = f"[{TABLE}.ext-modules.small]"
        return (
            replace(was, extensions=was.extensions[:1], extension_header=header),
            f"{TABLE}.ext-modules",
            "must be an array of tables",
        )

    @way
    def extensions_are_something_else(was: Configuration) -> tuple[Configuration, str, str]:
        value = chance.choice(['"small_pkg.small"', '["a.cc"]', "[[{}]]", "3", "true", "[{}, 3]"])
        return (
            replace(was.with_key(None, "ext-modules", value), extensions=()),
            f"{TABLE}.ext-modules",
            "must be an array of tables",
        )

    @way
    def the_whole_is_an_array_of_tables(was: Configuration) -> tuple[Configuration, str, str]:
        return replace(was, header=f"[[{TABLE}]]", extensions=()), TABLE, "must be a table"

    @way
    def the_whole_is_something_else(was: Configuration) -> tuple[Configuration, str, str]:
        value = chance.choice(['"x"', "3", "nan", "[]", "2026-01-01", "true"])
        below = f"[tool]\nsetuptools-tvm-ffi = {value}\n"
        return replace(was, project={}, extensions=(), below=below), TABLE, "must be a table"

    @way
    def a_key_of_a_project_is_a_table(was: Configuration) -> tuple[Configuration, str, str]:
        key = chance.choice(sorted(PROJECT_KEYS))
        below = f"[{TABLE}.{key}]\nvalue = {PROJECT_KEYS[key][1]}\n"
        return replace(was.without_key(None, key), below=below), f"{TABLE}.{key}", ""

    @way
    def a_key_of_a_project_is_an_array_of_tables(
        was: Configuration,
    ) -> tuple[Configuration, str, str]:
        key = chance.choice(sorted(PROJECT_KEYS))
        below = f"[[{TABLE}.{key}]]\nvalue = {PROJECT_KEYS[key][1]}\n"
        return replace(was.without_key(None, key), below=below), f"{TABLE}.{key}", ""

    @way
    def a_key_of_a_project_is_dotted(was: Configuration) -> tuple[Configuration, str, str]:
        key = chance.choice(sorted(PROJECT_KEYS))
        inner = chance.choice(["value", '"größe"', '""', "a.b", key])
        made = was.without_key(None, key).with_key(None, f"{key}.{inner}", PROJECT_KEYS[key][1])
        return made, f"{TABLE}.{key}", ""

    @way
    def a_key_of_an_extension_is_dotted(was: Configuration) -> tuple[Configuration, str, str]:
        place = chance.randrange(len(was.extensions))
        key = chance.choice(sorted(EXTENSION_KEYS))
        inner = chance.choice(["value", '"größe"', '""', "a.b", key])
        value = EXTENSION_KEYS[key][1]
        made = was.without_key(place, key).with_key(place, f"{key}.{inner}", value)
        return made, f"{place_of(place)}.{key}", ""

    @way
    def a_key_with_dashes_is_dotted(was: Configuration) -> tuple[Configuration, str, str]:
        place = chance.randrange(len(was.extensions))
        # The first word of some keys is itself a key.
        first = {key: key.partition("-")[0] for key in EXTENSION_KEYS if "-" in key}
        key = chance.choice(sorted(k for k, word in first.items() if word not in EXTENSION_KEYS))
        made = was.with_key(place, key.replace("-", "."), EXTENSION_KEYS[key][1])
        return made, f"{place_of(place)}.{key.partition('-')[0]}", "unknown key"

    @way
    def a_list_is_a_list_of_lists(was: Configuration) -> tuple[Configuration, str, str]:
        place = chance.randrange(len(was.extensions))
        kinds = {"strings", "files", "arguments"}
        key = chance.choice(sorted(k for k, (kind, _) in EXTENSION_KEYS.items() if kind in kinds))
        made = was.with_key(place, key, '[["x"]]')
        return made, f"{place_of(place)}.{key}", "expected a string or a path"

    @way
    def arguments_of_a_language_are_no_list(was: Configuration) -> tuple[Configuration, str, str]:
        place = chance.randrange(len(was.extensions))
        language = chance.choice(["c", "cxx", "cuda", "hip"])
        value = chance.choice(['"-O2"', "3", "{ debug = [] }", "[[]]", "[3]", "nan", "true"])
        made = was.with_key(place, "extra-compile-args", f"{{ {language} = {value} }}")
        return made, f"{place_of(place)}.extra-compile-args.{language}", ""

    @way
    def an_extension_is_in_an_extension(was: Configuration) -> tuple[Configuration, str, str]:
        place = chance.randrange(len(was.extensions))
        value = '[{ name = "small_pkg.x", sources = ["csrc/point.cc"] }]'
        made = was.with_key(place, "ext-modules", value)
        return made, f"{place_of(place)}.ext-modules", "unknown key"

    @way
    def a_key_of_a_project_is_in_an_extension(was: Configuration) -> tuple[Configuration, str, str]:
        place = chance.randrange(len(was.extensions))
        key = chance.choice(sorted(set(PROJECT_KEYS) - set(EXTENSION_KEYS)))
        made = was.with_key(place, key, PROJECT_KEYS[key][1])
        return made, f"{place_of(place)}.{key}", "unknown key"

    @way
    def a_required_key_is_missing(was: Configuration) -> tuple[Configuration, str, str]:
        place = chance.randrange(len(was.extensions))
        key = chance.choice(["name", "sources"])
        return was.without_key(place, key), f"{place_of(place)}.{key}", "is missing"

    @way
    def an_extension_is_empty(was: Configuration) -> tuple[Configuration, str, str]:
        made = replace(was, extensions=(*was.extensions, {}))
        return made, f"{place_of(len(was.extensions))}.name", "is missing"

    number = 0
    while True:
        make = ways[number % len(ways)]
        number += 1
        was = right(chance)
        broken, key, says = make(was)
        yield Broken(make.__name__.replace("_", " "), was, broken.text(), key, says)


def generate() -> list[Broken]:
    """Return three hundred different broken configurations."""
    chance = random.Random(20260729)
    wanted = [
        (a_misspelt_key, 70),
        (a_strange_key, 30),
        (a_value_of_another_type, 90),
        (a_value_out_of_range, 50),
        (wrong_nesting, 60),
    ]
    found: dict[str, Broken] = {}
    for maker, number in wanted:
        made = maker(chance)
        goal = len(found) + number
        while len(found) < goal:
            broken = next(made)
            found.setdefault(broken.text, broken)
    return list(found.values())


BROKEN = generate()


# --- results ------------------------------------------------------------------------------------


def refusal_of(printed: str, broken: Broken) -> None:
    """Assert that there is exactly one error, and that it contains the key."""
    assert "Traceback" not in printed
    (error,) = re.findall(r"^.*\berror: .*$", printed, re.MULTILINE | re.IGNORECASE)
    assert error.startswith(f"setuptools-tvm-ffi: error: pyproject.toml: {TABLE}"), error
    assert re.search(rf"pyproject\.toml: {re.escape(broken.key)}[ :]", error), error
    assert broken.says in error


@pytest.fixture(scope="module")
def built(builder: Environment, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The results of all configurations, each in its own folder, from one process."""
    top = tmp_path_factory.mktemp("broken")
    for number, broken in enumerate(BROKEN):
        folder = top / str(number)
        shutil.copytree(PROJECTS / "small", folder)
        (folder / "setup.py").unlink()
        (folder / "pyproject.toml").write_text(broken.text, encoding="utf-8")
        (folder / "was.toml").write_text(broken.was.text(), encoding="utf-8")
    process = builder.run(builder.python, "-I", BUILD_EACH, top, cwd=top, variables=QUICK)
    found: dict[str, Any] = json.loads(process.stdout)
    return found


def test_there_are_three_hundred_different_broken_configurations() -> None:
    assert len({broken.text for broken in BROKEN}) == len(BROKEN) == 300


@pytest.mark.long
def test_the_table_of_keys_is_complete(built: dict[str, Any]) -> None:
    assert built["keys"] == {
        "ProjectSettings": list(PROJECT_KEYS),
        "ExtensionSettings": list(EXTENSION_KEYS),
    }
    broken = {re.sub(r"\[\d+\]", "", b.key) for b in BROKEN}
    assert {f"{TABLE}.{key}" for key in PROJECT_KEYS} <= broken
    assert {f"{TABLE}.ext-modules.{key}" for key in EXTENSION_KEYS} <= broken


@pytest.mark.long
@pytest.mark.parametrize(
    ("number", "broken"), list(enumerate(BROKEN)), ids=[f"{b.what}: {b.key}" for b in BROKEN]
)
def test_a_broken_configuration_is_rejected_with_its_dotted_key(
    number: int, broken: Broken, built: dict[str, Any]
) -> None:
    outcome = built["outcomes"][str(number)]
    assert outcome["before"] == "", "it was broken before"
    assert outcome["problem"] is None, outcome["problem"]
    assert outcome["status"] == 1, outcome["printed"]
    assert outcome["made"] == [], outcome["printed"]
    refusal_of(outcome["printed"], broken)


@pytest.mark.long
@pytest.mark.parametrize("broken", BROKEN[::60], ids=lambda broken: broken.key)
def test_a_separate_process_rejects_a_broken_configuration(
    broken: Broken, project: ProjectFactory
) -> None:
    small: Project = project("small")
    (small.folder / "setup.py").unlink()
    (small.folder / "pyproject.toml").write_text(broken.text, encoding="utf-8")
    refusal_of(small.refuse(), broken)


@pytest.mark.long
def test_a_configuration_with_every_key_builds(project: ProjectFactory) -> None:
    every = Configuration(
        # With a target, Zig would compile.
        {key: value for key, (_, value) in PROJECT_KEYS.items() if key != "target"},
        ({key: value for key, (_, value) in EXTENSION_KEYS.items()},),
    )
    small: Project = project("small")
    (small.folder / "setup.py").unlink()
    (small.folder / "pyproject.toml").write_text(every.text(), encoding="utf-8")
    process = small.build()
    assert "small_pkg/libsmall.so" in small.names()
    origins = re.findall(r"^setuptools-tvm-ffi: (\S+) = .* \((.*)\)$", process.stdout, re.MULTILINE)
    # The build does not print a setting with its default value.
    changed = [key for key in every.project if key not in {"lto", "platform-tag"}]
    assert dict(origins) == dict.fromkeys(changed, "pyproject.toml")


#: Mistakes that only a build can detect, and three forms of names that the schema cannot describe.
NOT_IN_THE_SCHEMA = {
    *("abi-floor", "build-dir", "compiler-launcher", "target"),
    *("define-macros", "name", "registry-prefix"),
}


def test_the_schema_rejects_the_broken_and_accepts_the_valid_configurations() -> None:
    validate = fastjsonschema.compile(json.loads(SCHEMA.read_text(encoding="utf-8")))

    def accepts(text: str) -> bool:
        try:
            validate(tomllib.loads(text)["tool"].get("setuptools-tvm-ffi", {}))
        except fastjsonschema.JsonSchemaException:
            return False
        return True

    assert all(accepts(broken.was.text()) for broken in BROKEN)
    taken = [broken for broken in BROKEN if accepts(broken.text)]
    assert {b.key.rpartition(".")[2] for b in taken} <= NOT_IN_THE_SCHEMA
    assert {b.what for b in taken} == {"value"}
