# SPDX-License-Identifier: Apache-2.0
"""Translates the table ``[tool.scikit-build]`` of `pyproject.toml`."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .evaluator import PLATLIB, is_lost

# Matches ``key=value`` if the value needs no translation: it does not affect the wheel, or the
# plugin always builds as the value demands.
_HARMLESS = re.compile(
    r"((cmake|ninja|build)\.(version|minimum-version|verbose|make-fallback|python-hints)"
    r"|minimum-version|strict-config|experimental|wheel\.(platlib|expand-macos-universal-tags)"
    r"|sdist\.(cmake|reproducible|resolve-symlinks)|editable\.verbose"
    r"|(logging|backport|search|messages)\..*)=.*|.*=(\[\]|\{\})"
    r"|(install\.strip|editable\.rebuild)=False|editable\.mode=redirect|wheel\.py-api=py[23.]*"
)
_BUILD_TYPES = {"Release": "release", "Debug": "debug", "RelWithDebInfo": "release-debug-info"}
_SWITCHES = {"install.strip": "strip", "editable.rebuild": "editable-rebuild"}
_HINTS = {
    "metadata": "use setuptools-scm, or the table [tool.setuptools.dynamic]",
    "sdist.exclude": "write it to MANIFEST.in",
    "sdist.include": "write it to MANIFEST.in",
    "wheel.exclude": "list the files in [tool.setuptools.exclude-package-data]",
    "wheel.packages": "list the packages in [tool.setuptools.packages.find]",
    "wheel.py-api": "the tag of the wheel is py3-none",
}


@dataclass
class ScikitBuild:
    """The translation of the table ``[tool.scikit-build]``.

    :param definitions: the CMake variables that the table sets.
    :param source_dir: the folder of the outermost `CMakeLists.txt`.
    :param install_dir: the folder of the wheel that ``install`` commands are relative to.
    :param project: project-wide settings of the plugin.
    :param untranslated: a remark for each key that is not translated.
    """

    definitions: dict[str, str] = field(default_factory=dict)
    build_type: str = "Release"
    source_dir: str = ""
    install_dir: str = ""
    project: dict[str, Any] = field(default_factory=dict)
    untranslated: dict[str, str] = field(default_factory=dict)


def read_table(table: Mapping[str, Any]) -> ScikitBuild:
    """Translate the table ``[tool.scikit-build]``."""
    found = ScikitBuild()
    for key, value in _leaves(table, ""):
        if not _apply(found, key, value) and not _HARMLESS.fullmatch(f"{key}={value}"):
            hint = f": {_HINTS[key]}" if key in _HINTS else ""
            found.untranslated[key] = f"not translated: {key} = {value}{hint}"
    found.build_type = found.definitions.pop("CMAKE_BUILD_TYPE", found.build_type)
    for name, value in found.definitions.items():
        if is_lost(name, value, found.build_type):
            found.untranslated[f"cmake.define.{name}"] = f"not translated: the variable {name}"
    if found.build_type not in _BUILD_TYPES:
        found.untranslated["cmake.build-type"] = f"not translated: {found.build_type}"
    elif found.build_type != "Release":
        found.project["build-type"] = _BUILD_TYPES[found.build_type]
    return found


def _leaves(table: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        key = f"{prefix}{name}"
        whole = prefix == "cmake.define." or key in {"wheel.packages", "metadata"}
        if isinstance(value, dict) and not whole:
            yield from _leaves(value, f"{key}.")
        else:
            yield key, value


def _apply(found: ScikitBuild, key: str, value: Any) -> bool:  # noqa: ANN401 - any value of TOML
    """Store the translation of a key in `found`. Return whether the key has a translation."""
    if key.startswith("cmake.define."):
        default = value.get("default", "") if isinstance(value, dict) else value
        text = ";".join(map(str, default)) if isinstance(default, list) else str(default)
        text = {"True": "ON", "False": "OFF"}.get(text, text)
        found.definitions[key[len("cmake.define.") :]] = text
        return not isinstance(value, dict)
    if key == "cmake.args":
        pairs = zip(["", *value], value)
        words = [w for before, w in pairs if before != "-G" and not w.startswith(("-G", "-W"))]
        matches = [re.fullmatch(r"-D(\w+)(?::\w+)?=(.*)", word) for word in words]
        found.definitions.update({match[1]: match[2] for match in matches if match})
        return all(matches)
    if key == "wheel.packages" and isinstance(value, list):
        parents = [posixpath.dirname(posixpath.normpath(folder)) for folder in value]
        return set(parents) == {"src"} or parents in ([""], ["python"])
    if key == "cmake.build-type":
        found.build_type = value
    elif key == "cmake.source-dir":
        found.source_dir = "" if value == "." else posixpath.normpath(value)
    elif key == "wheel.install-dir" and re.match(r"/platlib/|[^/]", value):
        found.install_dir = re.sub("^/platlib", PLATLIB, value)
    elif key == "build-dir":
        # If the value contains a placeholder, such as {wheel_tag}, each platform has its own build
        # folder. The plugin's default has the same effect, so the key needs no translation.
        found.project.update({} if "{" in value or value == "build" else {key: value})
    elif key in _SWITCHES and value:
        found.project[_SWITCHES[key]] = True
    else:
        return False
    return True
