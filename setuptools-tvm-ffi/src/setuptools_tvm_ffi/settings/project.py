# SPDX-License-Identifier: Apache-2.0
"""The settings of one project as they hold for one build, and where each of them came from.

In this order, the first that says something: ``--config-settings`` of the frontend, environment
variables, `pyproject.toml`, the default.
"""

from __future__ import annotations

import dataclasses
import difflib
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional, Union

from ..base.errors import DEBUG_VARIABLE, ConfigurationError
from .declaration import did_you_mean, key_of, shown
from .languages import LANGUAGES, LanguageArguments
from .model import TABLE, ExtensionSettings, ProjectSettings, Setting, settings_of
from .parser import parse_project

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_PREFIX = "SETUPTOOLS_TVM_FFI_"
_FILE = "pyproject.toml"
_TABLE_NAME = TABLE.rpartition(".")[2]
# How much alike two names are, for `difflib`: "setuptools-tvmffi" is, "setuptools-scm" is not.
_NEARLY = 0.9

#: PyTorch users' notation, which upstream's own loader reads too.
CUDA_ARCHITECTURES_VARIABLE = "TVM_FFI_CUDA_ARCH_LIST"

# What setuptools' hooks take (83.0); everything else is ours or a mistake.
_SETUPTOOLS_KEYS = frozenset(
    {
        *("--build-option", "--global-option", "--quiet", "--verbose", "quiet", "verbose"),
        *("editable-mode", "editable_mode"),
    }
)

#: What a frontend passes to a hook (PEP 517).
ConfigSettings = Optional[Mapping[str, Union[str, list[str], None]]]


@dataclass(frozen=True)
class Project:
    """What this plugin knows of a project.

    :param origins: where each project-wide setting that is not the default came from, by field.
    :param dynamic_dependencies: whether ``Requires-Dist`` is this plugin's to extend: the
        project declares it dynamic (PEP 621), or has no ``[project]`` table.
    """

    settings: ProjectSettings
    origins: Mapping[str, str] = field(default_factory=dict)
    dynamic_dependencies: bool = True

    def place(self, name: str) -> str:
        """Return where a setting is declared, for messages."""
        origin = self.origins.get(name, "pyproject.toml")
        return f"{origin}: {TABLE}.{key_of(name)}" if origin == "pyproject.toml" else origin

    def is_overridden(self, name: str) -> bool:
        """Whether a setting comes from the frontend or the environment."""
        return self.origins.get(name, "pyproject.toml") != "pyproject.toml"

    def lines(self) -> Iterator[str]:
        """Yield a line for each setting: key, value, and where it came from.

        Those of a library, which are many, only where they are declared in `pyproject.toml`.
        """
        for setting in settings_of(ProjectSettings):
            yield _line(setting, self.settings, self.origins.get(setting.field))
        for extension in self.settings.ext_modules:
            for setting in settings_of(ExtensionSettings):
                if setting.field != "name" and getattr(extension, setting.field) != setting.default:
                    yield f"{extension.name}: {_line(setting, extension, _FILE)}"


def _line(setting: Setting, table: object, origin: str | None) -> str:
    value = getattr(table, setting.field)
    if origin is None and value in {None, ()}:
        return f"{key_of(setting.field)} is not set"
    return f"{key_of(setting.field)} = {written(value)} ({origin or 'default'})"


def written(value: object) -> str:
    """Return a value as `pyproject.toml` would hold it.

    >>> written(True), written("debug"), written(("9.0a",)), written((("A", None), ("B", "1")))
    ('true', '"debug"', '["9.0a"]', '[["A"], ["B", "1"]]')
    """
    if isinstance(value, LanguageArguments):
        lists = {name: value.of(name) for name in LANGUAGES if value.of(name)}
        return f"{{ {', '.join(f'{name} = {written(words)}' for name, words in lists.items())} }}"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        # TOML has no null: a macro without a value is a list of one.
        return f"[{', '.join(written(item) for item in value if item is not None)}]"
    return f'"{value}"' if isinstance(value, str) else str(value)


def read_project(
    root: Path,
    *,
    config_settings: ConfigSettings = None,
    environment: Mapping[str, str] | None = None,
) -> Project:
    """Read `pyproject.toml` in `root`, and what stands above it; a project may do without one.

    :param environment: :data:`os.environ` by default.
    :raises ConfigurationError: a key is unknown, or a value not what its setting takes.
    """
    path = root / "pyproject.toml"
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        document = {}
    except UnicodeDecodeError as problem:
        raise ConfigurationError(f"pyproject.toml: not UTF-8 (byte {problem.start})") from None
    # Beside what is no TOML: a number of thousands of digits, brackets in thousands of brackets.
    except (ValueError, RecursionError) as problem:
        raise ConfigurationError(f"pyproject.toml: {problem}") from None
    _check_tables(document)
    project = document.get("project")
    table = document.get("tool", {}).get(_TABLE_NAME, {})
    declared = parse_project(table)
    origins = {key.replace("-", "_"): "pyproject.toml" for key in table}
    overrides = {
        **_from_environment(os.environ if environment is None else environment),
        **_from_frontend(config_settings or {}),
    }
    return Project(
        settings=dataclasses.replace(declared, **{k: v for k, (v, _) in overrides.items()}),
        origins={**origins, **{name: origin for name, (_, origin) in overrides.items()}},
        dynamic_dependencies=project is None or "dependencies" in project.get("dynamic", ()),
    )


def _check_tables(document: Mapping[str, Any]) -> None:
    """Refuse a table of ours that nobody would read, and what no other could make sense of."""
    for name in ("build-system", "project", "tool"):
        if not isinstance(document.get(name, {}), dict):
            kind = type(document[name]).__name__
            raise ConfigurationError(f"pyproject.toml: {name}: must be a table, not {kind}")
    dynamic = document.get("project", {}).get("dynamic", [])
    if not isinstance(dynamic, list) or not all(isinstance(field, str) for field in dynamic):
        raise ConfigurationError("pyproject.toml: project.dynamic: must be a list of strings")
    tools = [name for name in document.get("tool", {}) if name != _TABLE_NAME]
    for prefix, names in (("tool.", tools), ("", list(document))):
        for name in names:
            plain = name.replace("_", "-").lower()
            if difflib.get_close_matches(plain, [_TABLE_NAME], cutoff=_NEARLY):
                raise ConfigurationError(
                    f"pyproject.toml: {prefix}{shown(name)}: unknown table, did you mean '{TABLE}'?"
                )


def _from_environment(environment: Mapping[str, str]) -> dict[str, tuple[Any, str]]:
    settings = {variable_of(setting): setting for setting in settings_of(ProjectSettings)}
    found = {}
    if environment.get(CUDA_ARCHITECTURES_VARIABLE):
        setting = settings[f"{_PREFIX}CUDA_ARCHITECTURES"]
        found[setting.field] = _read(
            setting, CUDA_ARCHITECTURES_VARIABLE, environment[CUDA_ARCHITECTURES_VARIABLE]
        )
    for variable, text in environment.items():
        if not variable.startswith(_PREFIX) or variable == DEBUG_VARIABLE or not text:
            continue
        if variable not in settings:
            raise ConfigurationError(
                f"{variable}: unknown variable{_like(variable, settings)}",
                hint=f"known are {', '.join(settings)}, {DEBUG_VARIABLE}",
            )
        setting = settings[variable]
        found[setting.field] = _read(setting, variable, text)
    return found


def _from_frontend(config_settings: Mapping[str, Any]) -> dict[str, tuple[Any, str]]:
    settings = {key_of(setting.field): setting for setting in settings_of(ProjectSettings)}
    found = {}
    for key, text in config_settings.items():
        if key in _SETUPTOOLS_KEYS:
            continue
        if key not in settings:
            raise ConfigurationError(
                f"--config-settings {key}: unknown key{did_you_mean(key, settings)}",
                hint=f"known keys: {', '.join((*settings, *sorted(_SETUPTOOLS_KEYS)))}",
            )
        place = f"--config-settings {key}"
        if not isinstance(text, str) or not text:
            problem = (
                "is given more than once" if text and not isinstance(text, str) else "is empty"
            )
            raise ConfigurationError(f"{place}: {problem}", hint=f"write -C {key}=value, once")
        found[settings[key].field] = _read(settings[key], place, text)
    return found


def _read(setting: Setting, place: str, text: str) -> tuple[Any, str]:
    value = setting.kind.read(f"{place}:", text)
    return setting.kind.parse(f"{place}:", value, toml=True), place


def _like(variable: str, known: Iterable[str]) -> str:
    # Not by what all of them begin with.
    names = [name[len(_PREFIX) :] for name in known]
    return did_you_mean(variable[len(_PREFIX) :].upper(), names).replace("'", f"'{_PREFIX}", 1)


def variable_of(setting: Setting) -> str:
    """Return the environment variable of a project-wide setting."""
    return _PREFIX + setting.field.upper()
