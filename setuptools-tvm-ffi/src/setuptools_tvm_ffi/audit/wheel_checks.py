# SPDX-License-Identifier: Apache-2.0
"""Check the tags, stubs and build record of a wheel with libraries."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from email.message import Message
from pathlib import PurePosixPath

from packaging.tags import Tag, parse_tag
from packaging.version import InvalidVersion, Version

from ..base.errors import BuildError
from ..base.text import first_few
from ..binaries.binary import Binary
from ..binaries.platform_tags import problems_for, satisfied_tag
from ..ffi.releases import DISTRIBUTION
from ..records import build_record
from . import codes
from .codes import Finding
from .library_checks import is_bound_to_cpython, python_symbols
from .stub_files import PromisedNames
from .tvm_ffi_symbols import FIRST

_SHOWN = 100
_TVM_FFI_SYMBOL = re.compile(r"TVMFFI\w+")
_EXPORTED = re.compile(r"__tvm_ffi_(?!_metadata_|_doc_)(\w+)")
_TVM_FFI_LIBRARY = re.compile(r"(?:.*/)?(?:lib)?tvm_ffi(?:-[0-9a-f]+)?\.(?:so|dylib|dll)")


def is_tvm_ffi_library(binary: Binary) -> bool:
    """Whether a library uses or provides the TVM-FFI ABI."""
    return (
        any(map(_TVM_FFI_LIBRARY.fullmatch, binary.needed))
        or any(map(_EXPORTED.fullmatch, binary.exported))
        or any(map(_TVM_FFI_SYMBOL.fullmatch, binary.undefined))
    )


def exported_functions(binary: Binary) -> list[str]:
    """Return the names of the TVM-FFI functions that a library exports."""
    matches = map(_EXPORTED.fullmatch, binary.exported)
    return [match[1] for match in matches if match is not None and match[0] not in binary.data]


def needed_releases(binaries: Iterable[Binary]) -> dict[str, Version | None]:
    """For each needed symbol of libtvm_ffi, return the first release that has the symbol.

    The value is ``None`` for a C function that no known release has.
    """
    return {
        name: FIRST.get(name)
        for binary in binaries
        for name in sorted({*binary.undefined} - {*binary.weak})
        if name in FIRST or _TVM_FFI_SYMBOL.fullmatch(name)
    }


# --- tags ---


def lowest_tag(binaries: Sequence[Binary]) -> tuple[str | None, list[Finding]]:
    """Return the lowest platform tag that the libraries satisfy, and the findings.

    If the libraries satisfy no tag, the tag is ``None``, and one finding contains the reason.
    Otherwise, the list of findings is empty.
    """
    try:
        return satisfied_tag(binaries), []
    except BuildError as problem:
        return None, [Finding(codes.PLATFORMS_MIXED, "", problem.message)]


def tag_findings(
    tags: frozenset[Tag], wheel_file: Message, binaries: Sequence[Binary], lowest: str | None
) -> Iterator[Finding]:
    """Yield the findings about the tags of a wheel with libraries.

    :param tags: tags in the wheel's file name.
    :param lowest: the lowest tag that the libraries satisfy, or ``None``.
    """
    fits = f"the libraries satisfy {lowest}" if lowest else "the libraries satisfy no tag"
    for platform in sorted({tag.platform for tag in tags}):
        if platform == "any":
            yield Finding(codes.TAG_ANY, "", fits)
            continue
        problems = problems_for(binaries, platform)
        if problems:
            what = f"'{platform}': {first_few(problems, separator='; ')}; {fits}"
            yield Finding(codes.TAG_TOO_LOW, "", what)
        elif platform.startswith("linux_"):
            yield Finding(codes.TAG_LINUX, "", f"'{platform}'; {fits}")
    pythons = sorted({f"{tag.interpreter}-{tag.abi}" for tag in tags})
    bound_to_one = is_bound_to_cpython(tags) and any(map(python_symbols, binaries))
    if "py3-none" not in pythons and not bound_to_one:
        yield Finding(codes.TAG_PYTHON, "", first_few(pythons))
    try:
        named = named_tags(wheel_file)
    except ValueError as problem:
        yield Finding(codes.TAG_WHEEL_FILE, "", f"WHEEL {problem}")
    else:
        if named != tags:
            in_wheel = first_few(sorted(map(str, named))) or "no tags"
            yield Finding(codes.TAG_WHEEL_FILE, "", f"WHEEL has {in_wheel}")
    if str(wheel_file.get("Root-Is-Purelib", "")).strip().lower() == "true":
        yield Finding(codes.ROOT_IS_PURELIB, "", "WHEEL has Root-Is-Purelib: true")


def named_tags(wheel_file: Message) -> frozenset[Tag]:
    """Return the tags in the file ``WHEEL``. Each compressed tag set is expanded into single tags.

    :raises ValueError: a tag is invalid.
    """
    lines = [str(line).strip() for line in wheel_file.get_all("Tag", [])]
    try:
        return frozenset(tag for line in lines for tag in parse_tag(line))
    except ValueError:
        raise ValueError(f"has an invalid tag: {first_few(lines)[:_SHOWN]!r}") from None


# --- stubs ---


def stub_findings(
    binaries: Sequence[Binary],
    paths: frozenset[str],
    stubs: Mapping[str, PromisedNames],
    strings: frozenset[str],
) -> Iterator[Finding]:
    """Yield the findings about the stubs of libraries.

    :param binaries: the libraries that use the TVM-FFI ABI.
    :param paths: paths of all files in the wheel.
    :param stubs: maps the path of a Python module to the names that the module and its stub
        declare.
    :param strings: those strings from `searched_strings` that occur in a library of the wheel.
    """
    where = {installed_path(path): path for path in paths}
    stubs = {installed_path(path): names for path, names in stubs.items()}
    by_target: dict[str, set[str]] = {}
    exporting = set()
    for binary in binaries:
        functions = exported_functions(binary)
        by_target.setdefault(_target(binary.path), set()).update(functions)
        if functions:
            exporting.add(installed_path(binary.path))
    for path in sorted({installed_path(binary.path) for binary in binaries}):
        missing = _missing_stub(path, exporting, frozenset(where), stubs)
        if missing is not None:
            yield Finding(codes.NO_STUBS, where[path], missing)
        folder = path.rpartition("/")[0]
        # A py.typed file belongs to a package, so skip a library that is outside of all packages.
        if folder and not any(
            f"{parent}/py.typed" in where for parent in PurePosixPath(path).parents
        ):
            what = f"{folder.partition('/')[0]}/py.typed is missing"
            yield Finding(codes.NO_PY_TYPED, where[path], what)
    for path, names in stubs.items():
        yield from _module_findings(where[path], names, by_target, strings)


def installed_path(path: str) -> str:
    """Return the path that a file of a wheel gets in ``site-packages``.

    https://packaging.python.org/en/latest/specifications/binary-distribution-format/

    >>> installed_path("pkg-1.0.data/platlib/pkg/libops.so"), installed_path("pkg/libops.so")
    ('pkg/libops.so', 'pkg/libops.so')
    """
    return re.sub(r"^[^/]+\.data/(?:plat|pure)lib/", "", path)


def searched_strings(stubs: Mapping[str, PromisedNames]) -> set[str]:
    """Return the strings to search for in the libraries of a wheel.

    `stub_findings` needs to know which of these strings the libraries contain.
    """
    registered = {name for names in stubs.values() for name in names.registered}
    return registered | set(map(_last_part, registered))


def _last_part(name: str) -> str:
    """Return the last part of a registered name, preceded by a null byte.

    If a C++ macro assembles the full name, the library contains only the last part of the name.
    Null bytes separate the strings in a library. With the null byte, a search for ``scale`` does
    not find ``rescale``.
    """
    return "\0" + name.rpartition(".")[2]


def _module_findings(
    path: str, names: PromisedNames, by_target: Mapping[str, set[str]], strings: frozenset[str]
) -> Iterator[Finding]:
    if names.target is not None:
        exported = by_target.get(names.target)
        if exported is None:
            yield Finding(codes.STUB_LOADS_MISSING, path, names.target)
        else:
            lacking = [name for name in names.exported if name not in exported]
            if lacking:
                yield Finding(codes.STUB_NAMES_NO_EXPORT, path, first_few(lacking))
    unknown = [
        name
        for name in names.registered
        # If a macro assembles the name, the library contains only the last part of the name.
        if not {name, _last_part(name)} & strings
    ]
    if unknown and by_target:
        yield Finding(codes.STUB_NAMES_UNKNOWN, path, first_few(unknown))


def _missing_stub(
    path: str, exporting: set[str], paths: frozenset[str], stubs: Mapping[str, PromisedNames]
) -> str | None:
    """Return a description of the stub that a library lacks, or ``None``.

    :param exporting: the libraries that export functions. These libraries need a ``.pyi`` file,
        because a generated ``.py`` file does not declare the types of exported functions.
    """
    loading = {names.target: module for module, names in stubs.items() if names.target is not None}
    module = loading.get(_target(path))
    if module is not None:
        # If the module is written by hand, it can contain the types, so a .pyi file is optional.
        is_missing = path in exporting and stubs[module].is_generated and f"{module}i" not in paths
        return f"{module}i is missing" if is_missing else None
    if loading:
        others = first_few(sorted(loading.values()))
        return f"no module with stubs loads this library (other libraries are loaded by {others})"
    top, slash, _ = path.partition("/")
    package = f"{top}/" if slash else ""
    has_some = any(p.startswith(package) and p.endswith(".pyi") for p in paths)
    return None if has_some else "no .pyi file" + (f" in {top}" if package else "")


def _target(path: str) -> str:
    name = path.rpartition("/")[2]
    stem = name.partition(".")[0]
    return stem if name.endswith(".dll") else stem.removeprefix("lib")


# --- build record ---


@dataclass(frozen=True)
class BuildFacts:
    """The part of the build record that the audit uses.

    :param floor: the ABI floor.
    :param digests: maps the installed path of each library to the library's SHA-256.
    """

    built_against: str
    floor: Version
    digests: Mapping[str, str]


def read_build_record(content: bytes | None) -> BuildFacts | None:
    """Parse a build record; return ``None`` if it is missing or invalid."""
    if content is None:
        return None
    try:
        record = json.loads(content)
        built = record[DISTRIBUTION]
        digests = {row["path"]: row["sha256"] for row in record["libraries"]}
        return BuildFacts(str(built["built-against"]), Version(built["abi-floor"]), digests)
    except (ValueError, KeyError, TypeError, RecursionError, InvalidVersion):
        return None


def build_record_findings(
    facts: BuildFacts | None, digests: Mapping[str, str]
) -> Iterator[Finding]:
    """Yield the findings about libraries that differ from the build record.

    :param digests: the SHA-256 of each library that uses the TVM-FFI ABI. The keys are the paths of
        these libraries in the wheel.
    """
    if facts is None:
        yield Finding(codes.NO_BUILD_RECORD, "", f"{build_record.FILENAME} is missing or invalid")
        return
    for path, digest in digests.items():
        recorded = facts.digests.get(installed_path(path))
        if recorded != digest:
            what = f"the SHA-256 is {digest}, but the build record contains a different one"
            if recorded is None:
                what = "the build record does not list this library"
            yield Finding(codes.RECORD_OF_ANOTHER_BUILD, path, what)
