# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest
from setuptools_tvm_ffi.errors import ConfigurationError
from setuptools_tvm_ffi.extension import ExtensionSettings
from setuptools_tvm_ffi.project_settings import Project, ProjectSettings, read_project


def read(folder: Path, text: str) -> Project:
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")
    return read_project(folder)


def refused(folder: Path, text: str) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        read(folder, text)
    return caught.value


def test_a_project_may_do_without_the_file(tmp_path: Path) -> None:
    assert read_project(tmp_path) == Project(ProjectSettings(), dynamic_dependencies=True)


@pytest.mark.parametrize("text", ["", "[tool.other]\nx = 1\n", "[tool.setuptools-tvm-ffi]\n"])
def test_a_project_may_do_without_settings(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text).settings == ProjectSettings(abi_floor=None)


def test_the_floor_is_read(tmp_path: Path) -> None:
    text = '[tool.setuptools-tvm-ffi]\nabi-floor = "0.1.9"\n'
    assert read(tmp_path, text).settings == ProjectSettings(abi_floor="0.1.9")


@pytest.mark.parametrize(
    ("project", "dynamic"),
    [
        ("", True),
        ('[build-system]\nrequires = ["setuptools"]', True),
        ('[project]\nname = "p"\ndynamic = ["version", "dependencies"]', True),
        ('[project]\nname = "p"', False),
        ('[project]\nname = "p"\ndynamic = ["version"]', False),
        ('[project]\nname = "p"\ndynamic = ["optional-dependencies"]', False),
        ('[project]\nname = "p"\ndependencies = ["apache-tvm-ffi"]', False),
    ],
)
def test_dependencies_are_dynamic_where_the_project_says_so_or_has_no_table(
    tmp_path: Path, project: str, *, dynamic: bool
) -> None:
    assert read(tmp_path, project).dynamic_dependencies is dynamic


@pytest.mark.parametrize("key", ["abi_floor", "abi-flor", "abifloor", "abi.floor"])
def test_an_unknown_key_is_refused_with_the_one_that_was_meant(tmp_path: Path, key: str) -> None:
    quoted = f'"{key}"'
    error = refused(tmp_path, f'[tool.setuptools-tvm-ffi]\n{quoted} = "0.1.9"\n')
    assert error.message == (
        f"pyproject.toml: tool.setuptools-tvm-ffi.{key}: unknown key, did you mean 'abi-floor'?"
    )
    assert error.hint == "known keys: abi-floor, ext-modules"


def test_an_unknown_key_like_no_other_is_refused(tmp_path: Path) -> None:
    error = refused(tmp_path, "[tool.setuptools-tvm-ffi]\njobs = 4\n")
    assert error.message == "pyproject.toml: tool.setuptools-tvm-ffi.jobs: unknown key"


@pytest.mark.parametrize(
    ("value", "kind"),
    [("0.1", "float"), ("1", "int"), ("true", "bool"), ('["0.1.9"]', "list"), ("{}", "dict")],
)
def test_a_value_of_the_wrong_type_is_refused_by_key(tmp_path: Path, value: str, kind: str) -> None:
    error = refused(tmp_path, f"[tool.setuptools-tvm-ffi]\nabi-floor = {value}\n")
    assert error.message == (
        f"pyproject.toml: tool.setuptools-tvm-ffi.abi-floor: must be a string, not {kind}"
    )


@pytest.mark.parametrize(
    "text",
    ['[tool]\nsetuptools-tvm-ffi = "0.1.9"\n', "[[tool.setuptools-tvm-ffi]]\nabi-floor = '0.1'\n"],
)
def test_settings_that_are_no_table_are_refused(tmp_path: Path, text: str) -> None:
    assert "tool.setuptools-tvm-ffi" in refused(tmp_path, text).message


def test_a_file_that_is_no_toml_is_refused_with_the_line(tmp_path: Path) -> None:
    message = refused(tmp_path, "[project]\nname = \n").message
    assert message.startswith("pyproject.toml: ")
    assert "line 2" in message


def declared(root: Path, *tables: str) -> tuple[ExtensionSettings, ...]:
    text = "".join(f"[[tool.setuptools-tvm-ffi.ext-modules]]\n{table}\n" for table in tables)
    (root / "pyproject.toml").write_text(text, encoding="utf-8")
    return read_project(root).settings.ext_modules


WHOLE = """\
name = "pkg.ops"
sources = ["csrc/*.cc", "csrc/x.c"]
include-dirs = ["include"]
define-macros = [["A"], ["B", "1"]]
undef-macros = ["C"]
extra-compile-args = { c = ["-Wc"], cxx = ["-Wcxx"] }
extra-link-args = ["-Wl,-x"]
libraries = ["m"]
library-dirs = ["lib"]
c-std = 17
cxx-std = "20"
registry-prefix = "pkg.ops"
stubs = "directives"
depends = ["table.txt"]
"""


def test_every_key_of_an_extension_reaches_its_settings(tmp_path: Path) -> None:
    (settings,) = declared(tmp_path, WHOLE)
    assert settings == ExtensionSettings(
        name="pkg.ops",
        sources=("csrc/*.cc", "csrc/x.c"),
        include_dirs=("include",),
        define_macros=(("A", None), ("B", "1")),
        undef_macros=("C",),
        c_args=("-Wc",),
        cxx_args=("-Wcxx",),
        link_args=("-Wl,-x",),
        libraries=("m",),
        library_dirs=("lib",),
        c_std="17",
        cxx_std="20",
        registry_prefix="pkg.ops",
        stubs="directives",
        depends=("table.txt",),
    )


def test_extensions_keep_their_order(tmp_path: Path) -> None:
    tables = (f'name = "pkg.{name}"\nsources = ["a.c"]' for name in "cab")
    assert [settings.target for settings in declared(tmp_path, *tables)] == ["c", "a", "b"]


FIRST = "pyproject.toml: tool.setuptools-tvm-ffi.ext-modules[0]"


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ('name = "p.x"\nsorces = []', f"{FIRST}.sorces: unknown key, did you mean 'sources'?"),
        (
            'name = "p.x"\nsources = ["a.c"]\ncxx_std = 17',
            f"{FIRST}.cxx_std: unknown key, did you mean 'cxx-std'?",
        ),
        ('sources = ["a.c"]', f"{FIRST}.name: is missing"),
        ('name = "p.x"', f"{FIRST}.sources: is missing"),
        ('name = 3\nsources = ["a.c"]', f"{FIRST}.name: must be a string, not int"),
        ('name = "p.x"\nsources = "a.c"', f"{FIRST}.sources: must be a list of strings, not str"),
        ('name = "p.x"\nsources = []', f"{FIRST}.sources: is empty"),
        (
            'name = "p.x"\nsources = ["a.c"]\ncxx-std = 14',
            f"{FIRST}.cxx-std: is 14, expected one of '17', '20', '23', '26'",
        ),
        (
            'name = "p.x"\nsources = ["a.c"]\nextra-compile-args = { cxx = "-O2" }',
            f"{FIRST}.extra-compile-args.cxx: must be a list of strings, not str",
        ),
        (
            'name = "p.x"\nsources = ["a.c"]\ndefine-macros = ["A"]',
            f"{FIRST}.define-macros: must be a list of [name] and [name, value], value a string",
        ),
        ('name = "x"\nsources = ["a.c"]', f"{FIRST}.name: must be a dotted package followed by"),
    ],
)
def test_what_is_wrong_with_an_extension_is_said_with_its_dotted_key(
    tmp_path: Path, table: str, message: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        declared(tmp_path, table)
    assert caught.value.message.startswith(message)


@pytest.mark.parametrize("value", ['"x"', "[1]", "{ name = 1 }"])
def test_extensions_that_are_no_array_of_tables_are_refused(tmp_path: Path, value: str) -> None:
    error = refused(tmp_path, f"[tool.setuptools-tvm-ffi]\next-modules = {value}\n")
    place = "pyproject.toml: tool.setuptools-tvm-ffi.ext-modules"
    assert error.message == f"{place}: must be an array of tables"
