# SPDX-License-Identifier: Apache-2.0
"""Writes the proposed `pyproject.toml`: only the tables about the build change."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from ..base.errors import PREFIX, BuildError
from ..project.package_tree import find_table
from ..settings.languages import LANGUAGE_BY_SUFFIX
from ..settings.model import TABLE
from ..settings.parser import parse_project
from .extensions import KEYS, Table, Translation
from .interpreter import FILE, Interpreter
from .platforms import Platform, merge, on_every_platform
from .scikit_build import ScikitBuild, read_table
from .targets import Targets

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_PYPROJECT = "pyproject.toml"
_SCIKIT = "tool.scikit-build"
_SDK = "apache-tvm-ffi"
# The backend of scikit-build-core requires these packages.
_BUILD_TOOLS = {"scikit-build-core", "cmake", "ninja", "setuptools", PREFIX}
_HEADER = re.compile(r"^[ \t]*\[\[?\s*([^\[\]\n]+?)\s*\]\]?[ \t]*(#.*)?\r?$", re.MULTILINE)
_ADVICE = f"""\
# Delete {_SDK} from project.dependencies and add dynamic = ["dependencies"]: then the wheel
# requires the release that it was built with, or a newer one."""
_WIDTH = 100


@dataclass(frozen=True)
class Proposal:
    """The proposed `pyproject.toml`.

    :param remarks: what could not be translated, each with its file and line.
    """

    text: str
    remarks: tuple[str, ...]


@dataclass
class _Result:
    """The translation for one platform."""

    project: Table
    extensions: dict[str, Table]
    remarks: dict[str, None] = field(default_factory=dict)


def propose(root: Path) -> Proposal:
    """Read the build files of a project and translate them.

    :param root: the project's folder.
    :raises BuildError: a file is missing or invalid.
    """
    text, document = _read(root)
    table = document.get("tool", {}).get("scikit-build", {})
    settings = read_table(table)
    name = document.get("project", {}).get("name", "")
    if not (root / settings.source_dir / FILE).is_file():
        raise BuildError(
            f"{root / settings.source_dir / FILE} does not exist",
            hint=f"run '{PREFIX} migrate' in the folder of a project that CMake builds",
        )
    definitions = {
        "CMAKE_BUILD_TYPE": settings.build_type,
        "SKBUILD_PROJECT_NAME": name,
        "SKBUILD_PROJECT_VERSION": document.get("project", {}).get("version", ""),
        **settings.definitions,
    }

    def translate(platform: Platform) -> _Result:
        targets = Targets()
        interpreter = Interpreter(root, settings.source_dir, definitions, platform, targets)
        targets.interpreter = interpreter
        interpreter.run()
        install_dir = settings.install_dir
        translation = Translation(targets, interpreter, settings.build_type, install_dir, name)
        extensions = translation.extensions()
        return _Result(translation.project, extensions, interpreter.remarks)

    results = on_every_platform(translate)
    remarks = [
        f"{_PYPROJECT}:{_line_of(text, key)}: {_SCIKIT}.{key}: {reason}"
        for key, reason in settings.untranslated.items()
    ]
    if not name:
        remarks.append(f"{_PYPROJECT}:1: project.name is missing: setuptools needs it")
    if "backend-path" in document.get("build-system", {}):
        remarks.append(f"{_PYPROJECT}:1: build-system.backend-path is removed: {PREFIX} needs none")
    found = list(dict.fromkeys(remark for _, result in results for remark in result.remarks))
    remarks += sorted(found, key=_position)
    project, extensions = _merged(results, remarks)
    if not extensions:
        raise BuildError(
            f"{FILE} installs no shared library that can be translated",
            hint="\n".join(["the command needs add_library and install(TARGETS …)", *remarks]),
        )
    packages = _package_tables(settings, name, list(extensions))
    project = {**settings.project, **project}
    entries = [{"name": each, **extension} for each, extension in extensions.items()]
    try:
        parse_project({**project, "ext-modules": entries})
    except BuildError as problem:
        remarks.append(f"{_PYPROJECT}:1: the proposal is invalid: {problem}")
    return Proposal(
        _new_text(text, document, project, extensions, packages, remarks), tuple(remarks)
    )


def _read(root: Path) -> tuple[str, dict[str, Any]]:
    path = root / _PYPROJECT
    try:
        # `newline` keeps the line ends of the file.
        with path.open(encoding="utf-8", newline="") as stream:
            text = stream.read()
        return text, tomllib.loads(text)
    except FileNotFoundError:
        raise BuildError(
            f"{path} does not exist",
            hint="write one with the table [project]: name, version and dependencies",
        ) from None
    except ValueError as problem:
        raise BuildError(f"{path}: {problem}") from None


def _position(remark: str) -> tuple[str, int]:
    file, line, _ = remark.split(":", 2)
    return file, int(line)


def _merged(
    results: list[tuple[Platform, _Result]], remarks: list[str]
) -> tuple[Table, dict[str, Table]]:
    """Return the settings of the project and of the extensions for all platforms."""
    extensions = {}
    for name in dict.fromkeys(name for _, result in results for name in result.extensions):
        of_name = [(p, r.extensions[name]) for p, r in results if name in r.extensions]
        if len(of_name) < len(results):
            remarks.append(f"{FILE}:1: CMake builds {name} on some platforms, the plugin on all")
        languages = {
            LANGUAGE_BY_SUFFIX[PurePosixPath(source).suffix]
            for _, table in of_name
            for source in table.get("sources", ())
        }
        merged = merge([(platform, _flattened(table)) for platform, table in of_name])
        extensions[name] = _collapsed(merged, languages)
    architectures = [table.get("cuda-architectures") for table in extensions.values()]
    architectures = [one for one in architectures if one]
    # The project-wide setting can be overridden on the command line, as CMake's variable.
    common = {}
    if architectures and all(one == architectures[0] for one in architectures):
        common["cuda-architectures"] = architectures[0]
        for table in extensions.values():
            table.pop("cuda-architectures", None)
    fixed = {k: v for _, r in results for k, v in r.project.items() if k in _SAME_EVERYWHERE}
    varying = [
        (p, {k: v for k, v in r.project.items() if k not in _SAME_EVERYWHERE}) for p, r in results
    ]
    return {**common, **merge(varying), **fixed}, extensions


#: Project-wide settings that an override cannot change.
_SAME_EVERYWHERE = {"build-type", "generate", "vendored"}


def _flattened(table: Table) -> Table:
    arguments = table.get("extra-compile-args", {})
    rest = {key: value for key, value in table.items() if key != "extra-compile-args"}
    return {**rest, **{f"extra-compile-args.{name}": words for name, words in arguments.items()}}


def _collapsed(table: Table, languages: set[str]) -> Table:
    """Write arguments that all languages share as one list, and sort the keys."""
    arguments = {
        key.partition(".")[2]: words
        for key, words in table.items()
        if key.startswith("extra-compile-args.")
    }
    found = {k: v for k, v in table.items() if not k.startswith("extra-compile-args.")}
    lists = list(arguments.values())
    if lists and set(arguments) == languages and all(words == lists[0] for words in lists):
        found["extra-compile-args"] = lists[0]
    elif arguments:
        found["extra-compile-args"] = arguments
    if "overrides" in found:
        found["overrides"] = [_collapsed(entry, languages) for entry in found["overrides"]]
    if "source-options" in found:
        found["source-options"] = [_shared(entry) for entry in found["source-options"]]
    return dict(sorted(found.items(), key=lambda kv: KEYS.index(kv[0]) if kv[0] in KEYS else -1))


def _shared(entry: Table) -> Table:
    languages = {LANGUAGE_BY_SUFFIX[PurePosixPath(s).suffix] for s in entry["sources"]}
    return _collapsed(_flattened(entry), languages)


# --- packages


def _package_tables(settings: ScikitBuild, name: str, extensions: Iterable[str]) -> list[str]:
    """Return the tables of setuptools that the packages need."""
    tables = []
    folders = [PurePosixPath(folder) for folder in settings.packages or ()]
    tops = {extension.partition(".")[0] for extension in extensions}
    own = {*tops, canonicalize_name(name).replace("-", "_")}
    parents = list(dict.fromkeys(str(folder.parent) for folder in folders))
    found = parents == ["src"] or {folder.name for folder in folders} <= own
    if folders and (len(parents) > 1 or parents[0] not in {"src", "python", "."} or not found):
        tables.append(find_table(parents, {folder.name for folder in folders}))
    tables += [_table(header, entries) for header, entries in settings.setuptools.items()]
    return tables


# --- text


def _new_text(
    text: str,
    document: Mapping[str, Any],
    project: Table,
    extensions: Mapping[str, Table],
    packages: Iterable[str],
    remarks: Iterable[str],
) -> str:
    title = f"# Not translated by '{PREFIX} migrate' ('From CMake' in the manual has equivalents):"
    comments = [title] if remarks else []
    comments += [f"# {line}" for remark in remarks for line in remark.splitlines()]
    dependencies = document.get("project", {}).get("dependencies", [])
    if any(_name_required(one) == _SDK for one in dependencies):
        comments.append(_ADVICE)
    nested = {key: project.pop(key) for key in ("generate", "vendored") if key in project}
    tables = ["\n".join(comments)] if comments else []
    if project:
        tables.append(_table(TABLE, project))
    for name, table in extensions.items():
        tables.append(_table(f"[{TABLE}.ext-modules]", {"name": name, **table}))
    for key, entries in nested.items():
        tables += [_table(f"[{TABLE}.{key}]", entry) for entry in entries]
    existing = [name for name, _ in _sections(text)]
    new = "\n".join([*tables, *(t for t in packages if _name_of(t) not in existing)])
    build = _build_system(document.get("build-system", {}).get("requires", []))
    return _replaced(text, build, new)


def _name_of(table: str) -> str:
    return table.partition("]")[0].strip("[")


def _replaced(text: str, build: str, new: str) -> str:
    """Replace ``[build-system]`` and the tables of scikit-build-core, and keep all other text."""
    parts: list[str] = []
    position = None
    has_build = False
    for name, section in _sections(text):
        if name == "build-system":
            comment = section[: _HEADER.search(section).start()]  # type: ignore[union-attr]
            blank = "\n" if section.endswith("\n\n") else ""
            parts.append(comment + build + blank)
            has_build = True
        elif name == _SCIKIT or name.startswith(f"{_SCIKIT}."):
            if position is None:
                position = len(parts)
        else:
            parts.append(section)
    position = len(parts) if position is None else position
    before = "".join([*([] if has_build else [f"{build}\n"]), *parts[:position]]).rstrip("\n")
    after = "".join(parts[position:]).lstrip("\n")
    return f"{before}\n\n{new}" + (f"\n{after}" if after else "")


def _sections(text: str) -> Iterator[tuple[str, str]]:
    """Yield the tables of a TOML document with their text, starting with the text before them.

    Comments directly above the header of a table belong to the table.
    """
    starts = [("", 0)]
    for match in _HEADER.finditer(text):
        try:
            tomllib.loads(text[: match.start()])
        except ValueError:
            continue  # inside a string or a list
        name = re.sub(r"\s*\.\s*", ".", match[1]).replace('"', "").replace("'", "")
        start = match.start()
        comment = re.search(r"(?:^[ \t]*#[^\n]*\n)+\Z", text[:start], re.MULTILINE)
        starts.append((name, comment.start() if comment else start))
    ends = [start for _, start in starts[1:]] + [len(text)]
    for (name, start), end in zip(starts, ends):
        yield name, text[start:end]


def _line_of(text: str, key: str) -> int:
    """Return the line of a key of the table of scikit-build-core, or of its table."""
    line = 1
    closest = 1
    for name, section in _sections(text):
        for number, content in enumerate(section.split("\n"), line):
            match = re.match(r"\s*([\w.\"'-]+)\s*=", content)
            here = f"{name}.{match[1]}" if match else content.strip().strip("[]")
            here = here.replace('"', "").replace("'", "")
            if f"{_SCIKIT}.{key}.".startswith(f"{here}.") and here.startswith(_SCIKIT):
                closest = number
        line += section.count("\n")
    return closest


def _name_required(requirement: str) -> str:
    try:
        return canonicalize_name(Requirement(requirement).name)
    except ValueError as problem:
        raise BuildError(
            f"{_PYPROJECT}: {requirement!r} is no requirement: {problem}",
            hint="fix it in build-system.requires or project.dependencies",
        ) from None


def _build_system(old: Iterable[str]) -> str:
    requires = ["setuptools>=77", PREFIX]
    for text in old:
        name = _name_required(text)
        # The backend adds apache-tvm-ffi to the build requirements. The project's requirement stays
        # only if it restricts the version of apache-tvm-ffi.
        if name not in _BUILD_TOOLS and (name != _SDK or Requirement(text).specifier):
            requires.append(text)
    backend = {"requires": requires, "build-backend": "setuptools_tvm_ffi.build_meta"}
    return _table("build-system", backend)


def _table(header: str, values: Mapping[str, Any]) -> str:
    """Return a table in TOML, with a line break at the end."""
    lines = [f"[{header}]"]
    for key, value in values.items():
        line = f"{_key(key)} = {_toml(value)}"
        if len(line) > _WIDTH and isinstance(value, list):
            items = "".join(f"    {_toml(item)},\n" for item in value)
            line = f"{_key(key)} = [\n{items}]"
        lines.append(line)
    return "\n".join(lines) + "\n"


def _key(name: str) -> str:
    return name if re.fullmatch(r"[\w-]+", name, re.ASCII) else json.dumps(name)


def _toml(value: object) -> str:
    """Return a value in TOML.

    >>> _toml({"if": "x", "a": ["b", True, 3]})
    '{ if = "x", a = ["b", true, 3] }'
    """
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{_key(k)} = {_toml(v)}' for k, v in value.items())} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    # A string in JSON is a string in TOML.
    return json.dumps(value, ensure_ascii=False)
