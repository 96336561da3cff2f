# SPDX-License-Identifier: Apache-2.0
"""Translates the table ``[tool.scikit-build]`` of `pyproject.toml`."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .interpreter import is_lost

# Keys without an effect on a wheel, or with the effect that the plugin always has.
_DROPPED = re.compile(
    r"(cmake|ninja|build)\.(version|minimum-version|verbose|make-fallback|python-hints)"
    r"|minimum-version|strict-config|experimental|wheel\.(platlib|expand-macos-universal-tags)"
    r"|sdist\.(cmake|reproducible|resolve-symlinks)|editable\.verbose"
    r"|(logging|backport|search|messages)\..*"
)
_BUILD_TYPES = {"Release": "release", "Debug": "debug", "RelWithDebInfo": "release-debug-info"}


@dataclass
class ScikitBuild:
    """What the table of scikit-build-core determines.

    :param definitions: the variables of CMake that the table sets.
    :param source_dir: the folder of the `CMakeLists.txt`.
    :param install_dir: the folder of the wheel that ``install`` commands are relative to.
    :param packages: the folders of the Python packages, or None if the table does not list them.
    :param project: project-wide settings of the plugin.
    :param setuptools: further tables, by their names.
    :param untranslated: a reason for each key that has no equivalent.
    """

    definitions: dict[str, str] = field(default_factory=dict)
    build_type: str = "Release"
    source_dir: str = ""
    install_dir: str = ""
    packages: list[str] | None = None
    project: dict[str, Any] = field(default_factory=dict)
    setuptools: dict[str, dict[str, Any]] = field(default_factory=dict)
    untranslated: dict[str, str] = field(default_factory=dict)


def read_table(table: Mapping[str, Any]) -> ScikitBuild:
    """Translate the table ``[tool.scikit-build]``."""
    found = ScikitBuild()
    for key, value in _leaves(table, ""):
        reason = _apply(found, key, value)
        if reason is not None:
            found.untranslated[key] = reason
    in_table = table.get("cmake", {}).get("define", {})
    for name in found.definitions:
        if is_lost(name, found.build_type):
            key = f"cmake.define.{name}" if name in in_table else "cmake.args"
            before = f"{found.untranslated[key]}; " if key in found.untranslated else ""
            found.untranslated[key] = f"{before}the variable {name} is not translated"
    if found.build_type in _BUILD_TYPES:
        if found.build_type != "Release":
            found.project["build-type"] = _BUILD_TYPES[found.build_type]
    else:
        found.untranslated["cmake.build-type"] = f"{found.build_type} has no equivalent"
    return found


def _leaves(table: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        key = f"{prefix}{name}"
        if isinstance(value, dict) and key not in {"wheel.packages", "metadata"}:
            if prefix == "cmake.define.":
                yield key, value
            else:
                yield from _leaves(value, f"{key}.")
        else:
            yield key, value


def _apply(found: ScikitBuild, key: str, value: Any) -> str | None:  # noqa: ANN401
    """Apply a key. Return why it has no equivalent, or None."""
    if _DROPPED.fullmatch(key):
        return None
    if key.startswith("cmake.define."):
        variable = None
        if isinstance(value, dict):
            variable, value = value.get("env"), value.get("default", "")
        _define(found, key[len("cmake.define.") :], value)
        if variable is not None:
            return f"the value is fixed to {value!r}, without the environment variable {variable}"
    elif key == "cmake.args":
        return _arguments(found, value)
    elif key == "cmake.build-type":
        found.build_type = str(value)
    elif key == "cmake.source-dir":
        found.source_dir = posixpath.normpath(value) if value != "." else ""
    elif key == "wheel.install-dir":
        found.install_dir = f"/@platlib{value}" if value.startswith("/platlib/") else value
    elif key == "wheel.packages":
        if not isinstance(value, list):
            return "map the packages to folders in [tool.setuptools.package-dir]"
        found.packages = [posixpath.normpath(folder) for folder in value]
    elif key == "wheel.py-api":
        if not value.startswith("py"):
            return f"the wheel is not tagged {value}: its tag is py3-none"
    elif key == "wheel.exclude":
        if any("/" in pattern for pattern in value):
            return "list the files below each package in [tool.setuptools.exclude-package-data]"
        if value:
            found.setuptools["tool.setuptools.exclude-package-data"] = {"*": value}
    elif key in {"sdist.include", "sdist.exclude"}:
        return f"write to MANIFEST.in: {', '.join(value)}" if value else None
    elif key == "build-dir":
        # The plugin's default folder serves builds for several platforms, too.
        if "{" not in value and value != "build":
            found.project["build-dir"] = value
    elif key == "install.strip":
        found.project.update({"strip": True} if value else {})
    elif key == "editable.rebuild":
        found.project.update({"editable-rebuild": True} if value else {})
    elif key == "editable.mode" and value == "redirect":
        return None
    else:
        return "has no equivalent"
    return None


def _define(found: ScikitBuild, name: str, value: object) -> None:
    if isinstance(value, bool):
        value = "ON" if value else "OFF"
    if isinstance(value, list):
        value = ";".join(map(str, value))
    if name == "CMAKE_BUILD_TYPE":
        found.build_type = str(value)
    found.definitions[name] = str(value)


def _arguments(found: ScikitBuild, words: list[str]) -> str | None:
    ignored = False
    for word in words:
        match = re.fullmatch(r"-D(\w+)(?::\w+)?=(.*)", word)
        if match is not None:
            _define(found, match[1], match[2])
        elif not ignored and not word.startswith(("-G", "-W")):
            return f"{word} is an argument of CMake"
        ignored = word in {"-G", "-W"}
    return None
