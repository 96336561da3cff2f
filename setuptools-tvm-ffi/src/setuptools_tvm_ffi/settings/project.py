# SPDX-License-Identifier: Apache-2.0
"""Reads the settings of a project for one build, and records the origin of each setting.

The value of a setting comes from the first of these origins that defines it: ``--config-settings``
of the frontend, an environment variable, `pyproject.toml`, an environment variable of PyTorch or
CMake, the default.
"""

from __future__ import annotations

import dataclasses
import difflib
import os
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional, Union

from ..base.errors import DEBUG_VARIABLE, PREFIX, ConfigurationError
from .declaration import did_you_mean, key_of
from .languages import LANGUAGES, LanguageArguments
from .model import TABLE, ExtensionSettings, ProjectSettings, Setting, settings_of, tables_of
from .parser import parse_project

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_PREFIX = "SETUPTOOLS_TVM_FFI_"
_FILE = "pyproject.toml"
_TABLE_NAME = TABLE.rpartition(".")[2]
# If the name of a table is at least this similar to the name of the plugin's table, the plugin
# reports the table as misspelled. With this value, `difflib` finds "setuptools-tvmffi", but not
# "setuptools-scm".
_SIMILARITY = 0.9

#: The environment variable from which `tvm_ffi.cpp` and this plugin read CUDA architectures. The
#: value has the same syntax as PyTorch's variable TORCH_CUDA_ARCH_LIST.
CUDA_ARCHITECTURES_VARIABLE = "TVM_FFI_CUDA_ARCH_LIST"

#: Environment variables of PyTorch and CMake, and the settings for which they provide a default. If
#: several variables set the same field, the variable that is last in this mapping has precedence.
DEFAULT_VARIABLES = {
    "TORCH_CUDA_ARCH_LIST": "cuda_architectures",
    "CMAKE_BUILD_PARALLEL_LEVEL": "jobs",
    "MAX_JOBS": "jobs",
}

# The keys of ``--config-settings`` that the PEP 517 hooks of setuptools (83.0) accept.
_SETUPTOOLS_KEYS = frozenset(
    {
        *("--build-option", "--global-option", "--quiet", "--verbose", "quiet", "verbose"),
        *("editable-mode", "editable_mode"),
    }
)

#: The argument `config_settings` of a PEP 517 hook.
ConfigSettings = Optional[Mapping[str, Union[str, list[str], None]]]


@dataclass(frozen=True)
class Project:
    """The settings of a project.

    :param origins: the origins of project-wide settings. The keys are the fields of the settings.
        Settings with the default value are omitted.
    :param dynamic_dependencies: whether the plugin may add dependencies to the wheel's metadata. It
        is ``True`` if the project declares its dependencies dynamic (PEP 621) or has no
        ``[project]`` table.
    :param declared_elsewhere: for each setting that overrides have changed, the places that declare
        its value. The keys are the fields of the settings.
    :param tells_uv: whether the project declares `tool.uv.cache-keys`.
    """

    settings: ProjectSettings
    origins: Mapping[str, str] = field(default_factory=dict)
    dynamic_dependencies: bool = True
    declared_elsewhere: Mapping[str, str] = field(default_factory=dict)
    tells_uv: bool = False

    def place(self, name: str) -> str:
        """Return a text that locates a setting. Messages about the setting start with this text."""
        origin = self.origins.get(name, _FILE)
        if origin != _FILE:
            return origin
        return self.declared_elsewhere.get(name, f"{_FILE}: {TABLE}.{key_of(name)}")

    def is_overridden(self, name: str) -> bool:
        """Whether the value of a setting comes from the frontend or an environment variable.

        If the value comes from a variable in `DEFAULT_VARIABLES`, the result is ``False``, because
        these variables only provide defaults.
        """
        return self.origins.get(name, _FILE) not in {_FILE, *DEFAULT_VARIABLES}

    def rebuilds_on_import(self, environment: Mapping[str, str]) -> bool:
        """Whether imports rebuild the libraries of an editable install.

        If the project does not set `editable-rebuild`, the default depends on the frontend:

        * pip builds at each installation. The default is false.
        * uv (0.13) builds only if a file in `tool.uv.cache-keys` has changed. If the project does
          not set these keys, uv ignores changes of C++ sources, and ``uv sync`` and ``uv run``
          would use outdated libraries. The default is then true. (The method recognizes uv by the
          environment variable ``UV``, which uv sets.)
        """
        if "editable_rebuild" in {**self.origins, **self.declared_elsewhere}:
            return self.settings.editable_rebuild
        return bool(environment.get("UV")) and not self.tells_uv

    def lines(self) -> Iterator[str]:
        """Yield a line with the key, the value and the origin of each setting.

        Settings with the default value are omitted, unless an option of the frontend, an
        environment variable or an override has set them. For the settings of extensions, see
        `extension_lines`.
        """
        for setting in settings_of(ProjectSettings):
            origin = self.declared_elsewhere.get(setting.field, self.origins.get(setting.field))
            changed = getattr(self.settings, setting.field) != setting.default
            if changed or origin not in {None, _FILE}:
                yield _line(setting, self.settings, origin or _FILE)
        for name in ("generate", "vendored"):
            for index, entry in enumerate(getattr(self.settings, name)):
                yield f"{name}[{index}] = {written(entry)} ({_FILE})"


def extension_lines(extension: ExtensionSettings) -> Iterator[str]:
    """Yield a line with the key, the value and the origin of each setting of an extension.

    Settings with the default value are omitted. If an override has changed a setting, the line
    contains the new value.
    """
    declared = extension.declaration
    file = _FILE if declared is not None and declared.in_toml else "setup.py"
    origins = extension.declared_elsewhere
    for setting in settings_of(ExtensionSettings):
        if setting.field != "name" and getattr(extension, setting.field) != setting.default:
            line = _line(setting, extension, origins.get(setting.field, file))
            yield f"{extension.name}: {line}"
    for name in tables_of(ExtensionSettings):
        for index, entry in enumerate(() if name == "overrides" else getattr(extension, name)):
            origin = origins.get(name, file)
            yield f"{extension.name}: {key_of(name)}[{index}] = {written(entry)} ({origin})"


def _line(setting: Setting, table: object, origin: str) -> str:
    value = getattr(table, setting.field)
    return f"{key_of(setting.field)} = {written(value)} ({origin})"


def written(value: object) -> str:
    """Return a value in TOML notation.

    >>> written(True), written("debug"), written(("9.0a",)), written((("A", None), ("B", "1")))
    ('true', '"debug"', '["9.0a"]', '[["A"], ["B", "1"]]')
    """
    if isinstance(value, LanguageArguments):
        lists = {name: value.of(name) for name in LANGUAGES if value.of(name)}
        return f"{{ {', '.join(f'{name} = {written(words)}' for name, words in lists.items())} }}"
    if dataclasses.is_dataclass(value):
        changed = {
            key_of(setting.field): getattr(value, setting.field)
            for setting in settings_of(type(value))
            if getattr(value, setting.field) != setting.default
        }
        return f"{{ {', '.join(f'{key} = {written(item)}' for key, item in changed.items())} }}"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        # TOML has no null, so a macro without a value is written as a list that contains only its
        # name.
        return f"[{', '.join(written(item) for item in value if item is not None)}]"
    return f'"{value}"' if isinstance(value, str) else str(value)


def require_project(folder: Path) -> None:
    """Check that a folder contains a project.

    :raises ConfigurationError: the folder contains neither ``pyproject.toml`` nor ``setup.py``. If
        a parent folder contains a project, the hint names the nearest such folder.
    """

    def is_project(place: Path) -> bool:
        return any((place / name).is_file() for name in ("pyproject.toml", "setup.py"))

    if not is_project(folder):
        parent = next(filter(is_project, folder.resolve().parents), None)
        raise ConfigurationError(
            f"{folder.resolve()}: contains neither pyproject.toml nor setup.py",
            hint=f"'{PREFIX} new NAME' creates a project"
            if parent is None
            else f"use the folder of the project, such as {parent}",
        )


def read_project(
    root: Path,
    *,
    config_settings: ConfigSettings = None,
    environment: Mapping[str, str] | None = None,
) -> Project:
    """Read the settings of a project from all origins.

    :param root: the project's folder. It may lack a `pyproject.toml`.
    :param config_settings: the settings that the frontend passed to a PEP 517 hook.
    :param environment: environment variables. By default, these are :data:`os.environ`.
    :raises ConfigurationError: a key is unknown, or a value is invalid.
    """
    try:
        document = tomllib.loads((root / _FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        document = {}
    except UnicodeDecodeError as problem:
        raise ConfigurationError(f"{_FILE} is not UTF-8 (byte {problem.start})") from None
    except ValueError as problem:
        raise ConfigurationError(f"{_FILE}: {problem}") from None
    _check_tables(document)
    project = document.get("project")
    table = document.get("tool", {}).get(_TABLE_NAME, {})
    declared = parse_project(table)
    origins = {key.replace("-", "_"): _FILE for key in table}
    if environment is None:
        environment = os.environ
    overrides = {**_from_environment(environment), **_from_frontend(config_settings or {})}
    overrides.update(_from_other_tools(environment, {*origins, *overrides}))
    return Project(
        settings=dataclasses.replace(declared, **{k: v for k, (v, _) in overrides.items()}),
        origins={**origins, **{name: origin for name, (_, origin) in overrides.items()}},
        dynamic_dependencies=project is None or "dependencies" in project.get("dynamic", ()),
        tells_uv="cache-keys" in document.get("tool", {}).get("uv", {}),
    )


def _check_tables(document: Mapping[str, Any]) -> None:
    """Raise an error if the name of a table looks like a misspelling of the plugin's table."""
    tools = [name for name in document.get("tool", {}) if name != _TABLE_NAME]
    for prefix, names in (("tool.", tools), ("", list(document))):
        for name in names:
            plain = name.replace("_", "-").lower()
            if difflib.get_close_matches(plain, [_TABLE_NAME], cutoff=_SIMILARITY):
                raise ConfigurationError(
                    f"{_FILE}: {prefix}{name}: unknown table, did you mean '{TABLE}'?"
                )


def _from_environment(environment: Mapping[str, str]) -> dict[str, tuple[Any, str]]:
    settings = {variable_of(setting): setting for setting in settings_of(ProjectSettings)}
    for variable, text in environment.items():
        known = (*settings, DEBUG_VARIABLE)
        if variable.startswith(_PREFIX) and variable not in known and text:
            raise ConfigurationError(
                f"{variable}: unknown variable{_like(variable, settings)}",
                hint=f"known variables: {', '.join(known)}",
            )
    # SETUPTOOLS_TVM_FFI_CUDA_ARCHITECTURES has precedence over TVM_FFI_CUDA_ARCH_LIST.
    settings = {CUDA_ARCHITECTURES_VARIABLE: settings[f"{_PREFIX}CUDA_ARCHITECTURES"], **settings}
    return {
        setting.field: _read(setting, variable, environment[variable])
        for variable, setting in settings.items()
        if environment.get(variable)
    }


def _from_other_tools(
    environment: Mapping[str, str], declared: Collection[str]
) -> dict[str, tuple[Any, str]]:
    """Return the settings that the environment variables of other tools provide.

    Settings in `declared` are omitted, because the project or the user has set them.

    Architectures are not validated, because the project may have no CUDA sources. If the project
    has CUDA sources and nvcc does not support an architecture, the build fails.
    """
    settings = {setting.field: setting for setting in settings_of(ProjectSettings)}
    variables = {
        name: variable for variable, name in DEFAULT_VARIABLES.items() if environment.get(variable)
    }
    return {
        name: (tuple(environment[variable].replace(";", " ").split()), variable)
        if name == "cuda_architectures"
        else _read(settings[name], variable, environment[variable])
        for name, variable in variables.items()
        if name not in declared
    }


def _from_frontend(config_settings: Mapping[str, Any]) -> dict[str, tuple[Any, str]]:
    settings = {key_of(setting.field): setting for setting in settings_of(ProjectSettings)}
    found = {}
    for key, value in config_settings.items():
        if key in _SETUPTOOLS_KEYS:
            continue
        if key not in settings:
            raise ConfigurationError(
                f"--config-settings {key}: unknown key{did_you_mean(key, settings)}",
                hint=f"known keys: {', '.join((*settings, *sorted(_SETUPTOOLS_KEYS)))}",
            )
        setting, place = settings[key], f"--config-settings {key}"
        # The value is a list if an option is repeated, or if the user has written a list in uv's
        # table `[tool.uv.config-settings]` or in the JSON text of `python -m build --config-json`.
        # JSON can also contain numbers and booleans.
        values = value if isinstance(value, list) else [value]
        texts = ["" if item is None else str(item) for item in values]
        if not texts or not all(texts):
            raise ConfigurationError(f"{place} is empty", hint=f"write -C {key}=value")
        if len(texts) > 1 and not setting.kind.is_list:
            raise ConfigurationError(
                f"{place} is specified more than once", hint=f"write -C {key}=value once"
            )
        found[setting.field] = _read(setting, place, ";".join(texts))
    return found


def _read(setting: Setting, place: str, text: str) -> tuple[Any, str]:
    return setting.kind.parse(place, setting.kind.read(text)), place


def _like(variable: str, known: Iterable[str]) -> str:
    # Compare the names without their common prefix. With the prefix, all names would be similar.
    names = [name[len(_PREFIX) :] for name in known]
    return did_you_mean(variable[len(_PREFIX) :].upper(), names).replace("'", f"'{_PREFIX}", 1)


def variable_of(setting: Setting) -> str:
    """Return the name of the environment variable of a setting."""
    return _PREFIX + setting.field.upper()
