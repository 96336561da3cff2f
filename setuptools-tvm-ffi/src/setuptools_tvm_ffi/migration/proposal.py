# SPDX-License-Identifier: Apache-2.0
"""Writes the proposed `pyproject.toml`. Only the tables that configure the build are replaced."""

from __future__ import annotations

import itertools
import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from ..base.errors import PREFIX, BuildError
from ..settings.model import TABLE
from ..settings.parser import parse_project
from .evaluator import FILE, Evaluator
from .expressions import SYSTEMS
from .extensions import Table, translate
from .scikit_build import read_table

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_PYPROJECT = "pyproject.toml"
_SCIKIT = "tool.scikit-build"
_SDK = "apache-tvm-ffi"
# `_build_system` removes these requirements from `build-system.requires`. The first three belong
# to scikit-build-core. The function then adds the last two again, as the plugin needs them.
_BUILD_TOOLS = {"scikit-build-core", "cmake", "ninja", "setuptools", PREFIX}
# The header of a table, and the comments directly above the header.
_HEADER = re.compile(
    r"(?P<comment>(?:^[ \t]*#[^\n]*\n)*)"
    r"^[ \t]*\[\[?\s*(?P<name>[^\[\]\n]+?)\s*\]\]?[ \t]*(#.*)?\r?$",
    re.MULTILINE,
)
_TITLE = f"Not translated by '{PREFIX} migrate' ('From CMake' in the manual has equivalents):"
_ADVICE = f"""\
# Delete {_SDK} from project.dependencies and add dynamic = ["dependencies"]: then the wheel
# requires the release that it was built with, or a newer one."""
# Lists whose order does not matter.
_UNORDERED = {"sources", "define-macros"}
_WIDTH = 100


def propose(root: Path) -> tuple[str, list[str]]:
    """Read the build files of a project and translate them.

    :param root: the project's folder.
    :returns: the proposed `pyproject.toml`, and remarks about what is left for the user.
    :raises BuildError: a file is missing or invalid.
    """
    if not (root / _PYPROJECT).exists() and not (root / FILE).exists():
        raise _no_cmake(root / FILE)
    try:
        # `newline` keeps the line endings of the file.
        with (root / _PYPROJECT).open(encoding="utf-8", newline="") as stream:
            text = stream.read()
        document = tomllib.loads(text)
    except (OSError, ValueError) as problem:
        hint = "the command needs a valid file with the table [project]"
        raise BuildError(f"{root / _PYPROJECT}: {problem}", hint=hint) from None
    settings = read_table(document.get("tool", {}).get("scikit-build", {}))
    metadata, build = document.get("project", {}), document.get("build-system", {})
    name = metadata.get("name", "")
    file = root / settings.source_dir / FILE
    if not file.is_file():
        raise _no_cmake(file)
    remarks = [f"{_PYPROJECT}:{_line_of(text, k)}: {s}" for k, s in settings.untranslated.items()]
    if not name:
        remarks.append(f"{_PYPROJECT}:1: project.name is missing: setuptools needs it")
    if "backend-path" in build:
        remarks.append(f"{_PYPROJECT}:1: not translated: build-system.backend-path")
    definitions = {
        "CMAKE_BUILD_TYPE": settings.build_type,
        "SKBUILD_PROJECT_NAME": name,
        "SKBUILD_PROJECT_VERSION": metadata.get("version", ""),
        **settings.definitions,
    }
    found, shared = {}, {}
    named: dict[tuple[str, int, str], None] = {}
    for system in SYSTEMS:
        project = Evaluator(root, system, settings.build_type, named)
        project.run(settings.source_dir, definitions)
        found[system], shared[system] = translate(project, settings.install_dir, name)
    remarks += [f"{file}:{line}: {remark}" for file, line, remark in sorted(named)]
    tables = []
    for one in dict.fromkeys(itertools.chain(*found.values())):
        of_systems = {system: found[system][one] for system in found if one in found[system]}
        if len(of_systems) < len(found):
            what = f"CMake builds {one} on some systems; the plugin builds it on all systems"
            remarks.append(f"{FILE}:1: {what}")
        tables.append(merge(of_systems))
    if not tables:
        hint = "\n".join(["the command needs add_library and install(TARGETS …)", *remarks])
        raise BuildError(f"{FILE} installs no library that can be translated", hint=hint)
    project_table = {**settings.project, **merge(shared)}
    try:
        parse_project({**project_table, "ext-modules": tables})
    except BuildError as problem:
        remarks.append(f"{_PYPROJECT}:1: the proposal is invalid: {problem}")
    comments = [f"# {line}" for remark in remarks for line in remark.splitlines()]
    comments[:0] = [f"# {_TITLE}"] if remarks else []
    if any(_name_of(requirement) == _SDK for requirement in metadata.get("dependencies", [])):
        comments.append(_ADVICE)
    parts = ["\n".join(comments)] if comments else []
    parts += [_table(TABLE, project_table)] if project_table else []
    parts += [_table(f"[{TABLE}.ext-modules]", table) for table in tables]
    return _replaced(text, _build_system(build.get("requires", [])), "\n".join(parts)), remarks


# --- systems


def _no_cmake(file: Path) -> BuildError:
    return BuildError(
        f"{file} does not exist",
        hint=f"run '{PREFIX} migrate' in the folder of a project that CMake builds; the manual has "
        "pages for projects of torch.utils.cpp_extension, pybind11 and nanobind",
    )


def merge(tables: Mapping[str, Table]) -> Table:
    """Merge the settings for several systems into one table. Differences become `overrides`.

    When the plugin applies an override, it appends the lists of the override to the lists of the
    table. Any other value of the override replaces the value in the table. In lists of folders,
    libraries and arguments, the order matters. From such lists, the table therefore gets only the
    items before the first difference, and the overrides get the other items.

    :param tables: maps each value of `sys_platform` to the settings for this system.

    >>> merge({"linux": {"a": ["x", "y"]}, "darwin": {"a": ["x", "y"]}, "win32": {"a": ["x"]}})
    {'a': ['x'], 'overrides': [{'if': "sys_platform != 'win32'", 'a': ['y']}]}
    """
    merged: Table = {}
    overrides: dict[str, Table] = {}
    for key in dict.fromkeys(itertools.chain(*tables.values())):
        found = {system: table.get(key) for system, table in tables.items()}
        values = list(found.values())
        if all(value == values[0] for value in values):
            merged[key] = values[0]
            continue
        if all(isinstance(value or [], list) for value in values):
            lists = [value or [] for value in values]
            pairs = itertools.takewhile(lambda same: all(i == same[0] for i in same), zip(*lists))
            common = [items[0] for items in pairs]
            if key in _UNORDERED:
                common = [item for item in lists[0] if all(item in items for items in lists)]
            merged.update({key: common} if common else {})
            for system, items in zip(found, lists):
                rest = [item for item in items if item not in common]
                found[system] = rest if key in _UNORDERED else items[len(common) :]
        for system, value in found.items():
            others = [other for other in found if found[other] != value]
            is_only = len(others) == len(found) - 1
            condition = f"sys_platform {f'== {system!r}' if is_only else f'!= {others[0]!r}'}"
            if value:
                overrides.setdefault(condition, {"if": condition})[key] = value
    return {**merged, **({"overrides": list(overrides.values())} if overrides else {})}


# --- text


def _replaced(text: str, build: str, new: str) -> str:
    """Replace ``[build-system]`` and the tables of scikit-build-core, and keep all other text."""
    sections = list(_sections(text))
    kept = "".join(
        f"{comment}{build}\n" if name == "build-system" else section
        for name, comment, section in sections
        if not f"{name}.".startswith(f"{_SCIKIT}.")
    ).rstrip()
    is_there = any(name == "build-system" for name, _, _ in sections)
    return f"{kept}\n\n{'' if is_there else f'{build}{chr(10)}'}{new}"


def _sections(text: str) -> Iterator[tuple[str, str, str]]:
    """Yield the name of each table, the comment above its header, and its whole text.

    The whole text includes the comment. The first result has the name "", and its text is
    everything before the first table.
    """
    starts = [("", "", 0)]
    for match in _HEADER.finditer(text):
        try:
            tomllib.loads(text[: text.rfind("\n", 0, match.start("name")) + 1])
        except ValueError:
            continue  # The match is text inside a string or a list, not the name of a table.
        name = re.sub(r"[\s\"']", "", match["name"])
        starts.append((name, match["comment"], match.start()))
    for (name, comment, start), (_, _, end) in zip(starts, [*starts[1:], ("", "", len(text))]):
        yield name, comment, text[start:end]


def _line_of(text: str, key: str) -> int:
    """Return the number of the line that contains a key of scikit-build-core.

    If the key is not found, return the line of the table ``[tool.scikit-build]``.
    """
    start = max(text.find(f"[{_SCIKIT}"), 0)
    pattern = rf"^[^#\n]*\b{re.escape(key.rpartition('.')[2])}\b"
    match = re.compile(pattern, re.MULTILINE).search(text, start)
    return 1 + text.count("\n", 0, match.start() if match else start)


def _name_of(requirement: str) -> str:
    return canonicalize_name(re.split(r"[^\w.-]", requirement.strip())[0])


def _build_system(old: list[str]) -> str:
    # The backend adds apache-tvm-ffi to the build requirements. The project's requirement stays
    # only if it restricts the version of apache-tvm-ffi.
    dropped = {*_BUILD_TOOLS, *({_SDK} & set(old))}
    requires = ["setuptools>=77", PREFIX, *(one for one in old if _name_of(one) not in dropped)]
    backend = {"requires": requires, "build-backend": "setuptools_tvm_ffi.build_meta"}
    return _table("build-system", backend)


def _table(header: str, values: Mapping[str, Any]) -> str:
    """Return a table in TOML, with a line break at the end."""
    lines = [f"[{header}]"]
    for key, value in values.items():
        line = f"{key} = {_toml(value)}"
        if len(line) > _WIDTH and isinstance(value, list):
            line = "\n".join([f"{key} = [", *(f"    {_toml(item)}," for item in value), "]"])
        lines.append(line)
    return "\n".join(lines) + "\n"


def _toml(value: object) -> str:
    """Return a value in TOML.

    >>> _toml({"if": "x", "a": ["b", True, 3]})
    '{ if = "x", a = ["b", true, 3] }'
    """
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{key} = {_toml(one)}' for key, one in value.items())} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    # JSON and TOML have the same notation for strings, numbers and booleans.
    return json.dumps(value, ensure_ascii=False)
