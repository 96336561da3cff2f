# SPDX-License-Identifier: Apache-2.0
"""What `pyproject.toml` says: our own table, and whether dependencies are dynamic."""

from __future__ import annotations

import difflib
import sys
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from .errors import ConfigurationError
from .extension import Declaration, ExtensionSettings, parse_extension

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TABLE = "tool.setuptools-tvm-ffi"


@dataclass(frozen=True)
class ProjectSettings:
    """The table ``[tool.setuptools-tvm-ffi]``; a key is its field's name with dashes.

    :param ext_modules: libraries that are declared here and not, or not only, in `setup.py`.
    :param abi_floor: the oldest release of apache-tvm-ffi that wheels declare to work with;
        by default the one that is built against.
    """

    abi_floor: str | None = None
    ext_modules: tuple[ExtensionSettings, ...] = ()


@dataclass(frozen=True)
class Project:
    """The parts of `pyproject.toml` that this plugin reads.

    :param dynamic_dependencies: whether ``Requires-Dist`` is this plugin's to extend: the
        project declares it dynamic (PEP 621), or has no ``[project]`` table.
    """

    settings: ProjectSettings
    dynamic_dependencies: bool


def read_project(root: Path) -> Project:
    """Read `pyproject.toml` in `root`; a project may do without one.

    :raises ConfigurationError: our table holds an unknown key or a value of the wrong type.
    """
    path = root / "pyproject.toml"
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        document = {}
    except tomllib.TOMLDecodeError as problem:
        raise ConfigurationError(f"pyproject.toml: {problem}") from None
    project = document.get("project")
    return Project(
        settings=_parse(document.get("tool", {}).get("setuptools-tvm-ffi", {})),
        dynamic_dependencies=project is None or "dependencies" in project.get("dynamic", ()),
    )


def _parse(table: Any) -> ProjectSettings:  # noqa: ANN401 - whatever TOML holds there
    if not isinstance(table, dict):
        raise ConfigurationError(
            f"pyproject.toml: {TABLE}: must be a table, not {type(table).__name__}"
        )
    known = {field.name.replace("_", "-"): field.name for field in fields(ProjectSettings)}
    values: dict[str, Any] = {}
    for key, value in table.items():
        where = f"pyproject.toml: {TABLE}.{key}"
        if key not in known:
            close = difflib.get_close_matches(key, known, n=1)
            suggestion = f", did you mean '{close[0]}'?" if close else ""
            raise ConfigurationError(
                f"{where}: unknown key{suggestion}", hint=f"known keys: {', '.join(known)}"
            )
        if key == "ext-modules":
            values[known[key]] = _extensions(where, value)
            continue
        if not isinstance(value, str):
            raise ConfigurationError(f"{where}: must be a string, not {type(value).__name__}")
        values[known[key]] = value
    return ProjectSettings(**values)


def _extensions(where: str, tables: object) -> tuple[ExtensionSettings, ...]:
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise ConfigurationError(
            f"{where}: must be an array of tables", hint=f"write [[{TABLE}.ext-modules]] above each"
        )
    result = []
    for index, table in enumerate(tables):
        declaration = Declaration(f"{where}[{index}]", in_toml=True)
        for key in table:
            if "_" in key:  # not a second way to write a key
                raise ConfigurationError(
                    f"{declaration.whole}.{key}: unknown key, did you mean "
                    f"'{key.replace('_', '-')}'?"
                )
        arguments = {key.replace("-", "_"): value for key, value in table.items()}
        result.append(parse_extension(arguments, declaration))
    return tuple(result)
