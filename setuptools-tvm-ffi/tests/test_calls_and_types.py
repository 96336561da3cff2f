# SPDX-License-Identifier: Apache-2.0
"""Calls accept what type checkers accept, except for the differences in docs/types.md."""

from __future__ import annotations

import itertools
import json
import re
import runpy
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from compared_library import (
    ENUMERATIONS,
    HEAD,
    MADE,
    PACKAGE,
    PACKAGES,
    PARAMETER_TYPES,
    RESULTS,
    TYPES,
    VALUES,
    calls,
    write_project,
)
from environments import REPOSITORY, Environment, make_environment
from sample_projects import Project

pytestmark = pytest.mark.long

ALLOWLIST = REPOSITORY / "docs" / "stubtest-allowlist.txt"
CALLS = list(calls())

#: Types of the documentation whose members are compared, and types that no C++ signature contains.
OTHER_TYPES = {
    *("`ffi::Optional<T>`", "`std::optional<T>`", "`ffi::Variant<T, U>`", "`std::variant<T, U>`"),
    *("an object class that has a Python class", "an object class that has no Python class"),
    "a Python object as it is",
}

#: The type of a parameter, the kind of the object, and whether the call accepts the object.
Difference = tuple[str, str, bool]

RUN = """
import json, sys
head, calls = json.load(sys.stdin)
names = {}
exec(head, names)
errors = []
for call in calls:
    try:
        exec(call, names)
        errors.append(None)
    except Exception as error:
        errors.append(repr(error))
json.dump(errors, sys.stdout)
"""

IMPORT_ORDER = """
import importlib, sys
first, package, made = sys.argv[1], sys.argv[2], sys.argv[3:]
importlib.import_module(first)
maker = importlib.import_module(package)
for pair in made:
    name, function = pair.split("=")
    before = getattr(maker, function)()
    module, _, class_ = name.rpartition(".")
    registered = getattr(importlib.import_module(module), class_)
    assert type(before) is type(getattr(maker, function)()) is registered, (type(before), name)
"""


@dataclass(frozen=True)
class Library:
    """The installed library, and an empty folder for checks of it."""

    environment: Environment
    folder: Path

    def run(self, *command: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
        return self.environment.run(*command, cwd=self.folder, check=check)

    def mypy(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        options = ("--strict", "--config-file=", "--output=json")
        python = self.environment.python
        return self.run(python, "-m", "mypy", *options, *arguments, check=False)


@pytest.fixture(scope="module")
def library(
    tmp_path_factory: pytest.TempPathFactory, variables: dict[str, str], builder: Environment
) -> Library:
    folder = tmp_path_factory.mktemp("compared")
    write_project(folder / "project")
    project = Project(folder / "project", builder)
    project.build()
    environment = make_environment(folder / "venv", variables)
    packages = ("apache-tvm-ffi", "basedpyright", "mypy", "numpy")
    environment.pip("install", "-q", *packages, project.wheel, cwd=folder)
    (folder / "checked").mkdir()
    (folder / "checked" / "calls.py").write_text(HEAD + "".join(f"{c.text}\n" for c in CALLS))
    return Library(environment, folder / "checked")


@pytest.fixture(scope="module")
def accepted(library: Library) -> list[bool]:
    """Whether each call succeeds."""
    process = subprocess.run(
        [library.environment.python, "-c", RUN],
        input=json.dumps([HEAD, [call.text for call in CALLS]]),
        cwd=library.folder,
        env=library.environment.variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    return [error is None for error in json.loads(process.stdout)]


def accepted_by_checker(lines_with_errors: set[int]) -> list[bool]:
    first = HEAD.count("\n") + 1
    assert min(lines_with_errors) >= first
    return [first + number not in lines_with_errors for number in range(len(CALLS))]


# --- the page ------------------------------------------------------------------------------------


def tables() -> list[list[list[str]]]:
    """Return the rows of each table in docs/types.md. A row is a list of cells."""
    page = runpy.run_path(str(REPOSITORY / "docs" / "regenerate.py"))["types"]()
    found = []
    for is_table, lines in itertools.groupby(page.splitlines(), lambda line: line.startswith("|")):
        if is_table:
            rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in lines]
            found.append([[cell.strip() for cell in row] for row in rows[2:]])
    return found


def items(cell: str) -> list[str]:
    """Return the items of a cell. Code may contain commas."""
    return [item.strip() for item in re.findall(r"(?:`[^`]*`|[^`,])+", cell)]


def documented(checker: str) -> set[Difference]:
    _, differences = tables()
    found = set()
    for parameter, objects, call, checkers in differences:
        accepts, does = call.startswith("accepts"), checkers.split()
        assert does[-1] in (("reject", "rejects") if accepts else ("accept", "accepts"))
        if does[:-1] in ([], [checker]):
            kinds = list(VALUES) if objects == "all objects" else items(objects)
            pairs = itertools.product(items(parameter), kinds)
            found |= {(type_, kind, accepts) for type_, kind in pairs}
    return found


def test_the_library_has_every_type_of_the_documentation() -> None:
    types, differences = tables()
    here = {*TYPES, *PARAMETER_TYPES}
    found = {item for row in types for item in items(row[0])}
    assert found - {*here, *RESULTS} == OTHER_TYPES
    assert {item for row in differences for item in items(row[0])} <= {*here, ENUMERATIONS}
    assert {item for row in differences for item in items(row[1])} <= {*VALUES, "all objects"}


# --- calls ---------------------------------------------------------------------------------------


def undocumented(
    accepted: list[bool], by_checker: list[bool], documented: set[Difference]
) -> Mapping[str, str]:
    """Return the calls whose difference is not documented.

    Assert that there is a call for each documented difference.
    """
    met = set()
    missing = {}
    for call, by_call, checked in zip(CALLS, accepted, by_checker):
        if by_call != checked:
            difference = {(type_, call.kind, by_call) for type_ in call.types}
            if len(call.types) == 1:
                met |= difference
            if not difference & documented:
                missing[call.text] = "accepted" if by_call else "rejected"
    assert documented <= met, f"no call differs as documented: {sorted(documented - met)}"
    return missing


def test_mypy_accepts_what_calls_accept(library: Library, accepted: list[bool]) -> None:
    printed = library.mypy("calls.py").stdout
    found = [json.loads(line) for line in printed.splitlines()]
    lines = {item["line"] for item in found if item["severity"] == "error"}
    assert undocumented(accepted, accepted_by_checker(lines), documented("mypy")) == {}


def test_pyright_accepts_what_calls_accept(library: Library, accepted: list[bool]) -> None:
    configuration = {"typeCheckingMode": "standard", "include": ["calls.py"]}
    (library.folder / "pyrightconfig.json").write_text(json.dumps(configuration))
    process = library.run("basedpyright", "-p", ".", "--outputjson", check=False)
    found = json.loads(process.stdout)["generalDiagnostics"]
    lines = {item["range"]["start"]["line"] + 1 for item in found if item["severity"] == "error"}
    assert undocumented(accepted, accepted_by_checker(lines), documented("pyright")) == {}


# --- the package ---------------------------------------------------------------------------------


def test_mypy_finds_no_error_in_the_library(library: Library) -> None:
    process = library.mypy("-p", PACKAGE)
    assert process.returncode == 0, process.stdout


def test_pyright_knows_all_types_of_the_library(library: Library) -> None:
    process = library.run(
        *("basedpyright", "--pythonpath", library.environment.python),
        *("--verifytypes", PACKAGE, "--ignoreexternal", "--outputjson"),
        check=False,
    )
    assert process.returncode == 0, process.stdout
    assert json.loads(process.stdout)["typeCompleteness"]["completenessScore"] == 1


@pytest.mark.parametrize("package", PACKAGES)
def test_stubs_match_the_library_whatever_is_imported_first(library: Library, package: str) -> None:
    options = ("--allowlist", ALLOWLIST, "--ignore-unused-allowlist", "--concise")
    library.run(library.environment.python, "-m", "mypy.stubtest", package, *options)


@pytest.mark.parametrize("first", PACKAGES)
@pytest.mark.parametrize("maker", [PACKAGES[0], PACKAGES[-1]])
def test_objects_have_their_class_whatever_is_imported_first(
    library: Library, first: str, maker: str
) -> None:
    made = [f"{name}={function}" for name, function in MADE.items()]
    library.run(library.environment.python, "-c", IMPORT_ORDER, first, maker, *made)
