# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import dataclasses
import json
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from setuptools_tvm_ffi.base.errors import BuildError
from setuptools_tvm_ffi.settings import ExtensionSettings
from setuptools_tvm_ffi.settings.declaration import Declaration
from setuptools_tvm_ffi.stubs.added_code import with_additions
from setuptools_tvm_ffi.stubs.chosen import choose_names
from setuptools_tvm_ffi.stubs.directives import parse
from setuptools_tvm_ffi.stubs.requests import StubRequest
from setuptools_tvm_ffi.stubs.verification import check_imports, check_loaded, child_failure

BLOCK = "# tvm-ffi-stubgen(begin): global/pkg\nf()\n# tvm-ffi-stubgen(end)\n"

SETTINGS = ExtensionSettings(name="pkg.ops", sources=("a.cc",))


def request(**values: Any) -> StubRequest:
    settings = ExtensionSettings(name="pkg.one", sources=("a.cc",), stubs="directives")
    return StubRequest(settings, "pkg", Path("build/libone.so"), "0", "0.1.15", {}, **values)


def test_an_import_error_in_a_block_names_the_missing_import_section() -> None:
    api = PurePosixPath("pkg/api.py")
    file = parse(f"own_line()\n{BLOCK}", str(api))
    failure = {"file": str(api), "line": 3, "message": "NameError: name 'f'"}
    with pytest.raises(
        BuildError, match=r"pkg/api\.py:3: .*NameError: name 'f'\n    f\(\)"
    ) as error:
        check_imports(SETTINGS, {api: file}, {api: file}, [failure])
    assert "import-section" in (error.value.hint or "")
    check_imports(SETTINGS, {api: file}, {api: file}, [{**failure, "line": 1}])
    with pytest.raises(BuildError, match=r"pkg/api\.py:1"):  # a new file is generated as a whole
        check_imports(SETTINGS, {api: file}, {}, [{**failure, "line": 1}])


def test_an_import_error_in_added_code_is_reported_in_a_handwritten_module() -> None:
    init = PurePosixPath("pkg/__init__.py")
    text = with_additions("own_line()\n", "import pkg.sub as _tvm_ffi_package\n")
    line = text[: text.index("import pkg")].count("\n") + 1
    file = parse(text, str(init))
    failure = {"file": str(init), "line": line, "message": "ModuleNotFoundError: 'pkg.sub'"}
    with pytest.raises(BuildError, match=r"'pkg\.sub'\n    import pkg\.sub") as error:
        check_imports(SETTINGS, {init: file}, {init: file}, [failure])
    assert "the build adds this line" in (error.value.hint or "")
    check_imports(SETTINGS, {init: file}, {init: file}, [{**failure, "line": 1}])


@pytest.mark.parametrize(
    "message",
    [
        "ImportError: cannot import name 'ops' from partially initialized module 'pkg' (x.py)",
        "ModuleNotFoundError: No module named 'pkg.ops'",
    ],
)
def test_a_handwritten_import_of_the_library_is_rejected(message: str) -> None:
    init = PurePosixPath("pkg/__init__.py")
    file = parse("from . import ops\n", str(init))
    failure = {"file": str(init), "line": 1, "message": message}
    with pytest.raises(BuildError, match=r"pkg/__init__\.py:1: .*'ops' is not a module") as error:
        check_imports(SETTINGS, {init: file}, {init: file}, [failure])
    assert "pkg._ffi_api" in (error.value.hint or "")
    for old, new in (("'ops'", "'numpy'"), ("'pkg", "'triton")):
        other = {**failure, "message": message.replace(old, new).replace("pkg.ops", "numpy")}
        check_imports(SETTINGS, {init: file}, {init: file}, [other])


def load(arguments: str, *, file: str = "pkg/_ffi_api.py", more: str = BLOCK) -> None:
    parsed = parse(f"import x\nLIB = _FFI_LOAD_LIB({arguments})\n{more}", file)
    check_loaded(request(other_targets=("two",)), parsed)


@pytest.mark.parametrize(
    "arguments",
    [
        *('"pkg", "old"', 'package="pkg", target_name="old"', '"pkg", target_name="old"'),
        '"old-pkg", "one"',
    ],
)
@pytest.mark.parametrize(
    ("file", "more"), [("pkg/_ffi_api.py", ""), ("pkg/_ffi_api.py", BLOCK), ("pkg/api.py", BLOCK)]
)
def test_a_module_that_loads_a_renamed_library_is_refused(
    arguments: str, file: str, more: str
) -> None:
    with pytest.raises(BuildError, match=rf"{file}:2: .*'old|{file}:2: .*'old-pkg'") as error:
        load(arguments, file=file, more=more)
    assert '("pkg", "one") or ("pkg", "two")' in (error.value.hint or "")


@pytest.mark.parametrize(
    "arguments",
    [
        *('"pkg", "one"', '"pkg", "two"', '"PKG", "one", keep_module_alive=False'),
        *('"another", "library"', '"pkg", NAME', 'NAME, "one"', "*NAMES", "**NAMES"),
    ],
)
def test_a_module_may_load_a_library_of_the_distribution_or_of_another(arguments: str) -> None:
    load(arguments)


@pytest.mark.parametrize(
    ("file", "more"),
    [("pkg/api.py", ""), ("pkg/_ffi_api.py", "# tvm-ffi-stubgen(skip-file)\n"), ("a.py", "(")],
)
def test_a_module_without_generated_parts_may_load_any_library(file: str, more: str) -> None:
    load('"pkg", "old"', file=file, more=more)


@pytest.mark.parametrize(
    ("printed", "name"),
    [
        ("RuntimeError: Overriding dup.Shared, possible causes:\n- two", "'dup.Shared'"),
        ("RuntimeError: Global Function `dup.f` is already registered\n", "'dup.f'"),
    ],
)
def test_a_name_that_two_libraries_register_is_reported_with_both(printed: str, name: str) -> None:
    error = child_failure(request(), "together", -6, printed, "/build/libtwo.so")
    assert all(part in error.message for part in (name, "libone.so", "libtwo.so"))


def test_libraries_that_cannot_be_loaded_together_are_named() -> None:
    error = child_failure(request(), "together", -11, "", "/build/libtwo.so")
    assert "libone.so and libtwo.so" in error.message
    assert "SIGSEGV" in error.message


ANSWER: dict[str, Any] = {
    "new_functions": [],
    "new_types": [],
    "functions": [],
    "exports": False,
    "registry": {
        **{name: {} for name in ("functions", "types", "symbols", "python_classes")},
        **{name: [] for name in ("module_attributes", "enum_attributes")},
        "makes_constructors": True,
        "finds_docs": True,
    },
}
SYMBOL = {"schema": None, "doc": None}


def test_a_library_without_any_use_is_refused() -> None:
    with pytest.raises(BuildError, match=r"'pkg\.one': libone\.so registers no functions"):
        choose_names(request(), ANSWER)


@pytest.mark.parametrize(
    ("values", "answer"),
    [
        ({"is_linked": True}, {}),
        ({}, {"exports": True}),
        ({}, {"new_functions": ["pkg.f"]}),
        ({}, {"new_types": ["pkg.T"]}),
        ({}, {"registry": {**ANSWER["registry"], "symbols": {"f": SYMBOL}}}),
    ],
)
def test_a_library_with_any_use_is_accepted(values: Any, answer: Any) -> None:
    choose_names(request(**values), {**ANSWER, **answer})


def named(prefix: str | None, *, in_toml: bool, functions: list[str]) -> tuple[StubRequest, Any]:
    where = Declaration("pyproject.toml: x", in_toml=in_toml)
    settings = ExtensionSettings(
        "pkg.one", ("a.cc",), registry_prefix=prefix, stubs="init", declaration=where
    )
    made = StubRequest(settings, "pkg", Path("build/libone.so"), "0", "0.1.15", {})
    return made, {**ANSWER, "new_functions": functions}


@pytest.mark.parametrize("key", ["registry-prefix", "registry_prefix"])
def test_a_prefix_without_names_is_corrected_as_the_project_spells_it(key: str) -> None:
    found = named("pkg.ops", in_toml="-" in key, functions=["pkg.f"])
    with pytest.raises(BuildError, match=r"'pkg\.ops\.'; the library registers 'pkg\.f'") as error:
        choose_names(*found)
    assert f"set {key} to" in (error.value.hint or "")


def test_names_of_another_package_must_be_renamed_or_get_directives() -> None:
    names = [f"other.{letter}" for letter in "abcd"]
    found = named(None, in_toml=True, functions=names)
    with pytest.raises(BuildError, match=r"'other\.b', 'other\.c' and 1 more") as error:
        choose_names(*found)
    hint = error.value.hint or ""
    assert "'pkg.'" in hint
    assert "'directives'" in hint
    assert "registry" not in hint


def test_names_outside_the_prefix_are_reported() -> None:
    made = choose_names(*named(None, in_toml=True, functions=["pkg.f", "add_one"]))
    (warning,) = made.warnings
    assert all(word in warning for word in ("'add_one'", "'pkg.'", "'pkg.add_one'"))
    assert not choose_names(*named(None, in_toml=True, functions=["pkg.f"])).warnings


def test_strict_stubs_reject_names_outside_the_prefix() -> None:
    asked, answer = named(None, in_toml=True, functions=["pkg.f", "add_one"])
    with pytest.raises(BuildError, match="'add_one'") as error:
        choose_names(dataclasses.replace(asked, strict=True), answer)
    assert all(word in (error.value.hint or "") for word in ("'pkg.add_one'", "'warn'", "'check'"))


def with_docs(doc: str | None, *, finds_docs: bool) -> Any:
    schema = json.dumps({"type": "ffi.Function", "args": [{"type": "int"}, {"type": "int"}]})
    function = {"schema": schema, "doc": doc}
    registry = {**ANSWER["registry"], "functions": {"pkg.f": function}, "finds_docs": finds_docs}
    return {**ANSWER, "new_functions": ["pkg.f"], "functions": ["pkg.f"], "registry": registry}


def test_call_signatures_do_not_depend_on_the_platform() -> None:
    settings = ExtensionSettings("pkg.one", ("a.cc",), call_signatures=True)
    asked = dataclasses.replace(request(), settings=settings)
    made = choose_names(asked, with_docs("f(x=1)\n\nText.", finds_docs=True))
    (path, code) = next(iter(made.additions.items()))
    committed = {path: code.encode()}
    again = choose_names(
        dataclasses.replace(asked, files=committed), with_docs(None, finds_docs=False)
    )
    assert (again.additions, again.signatures) == (made.additions, made.signatures)
    assert str(again.signatures["function", "pkg.f"]) == "(x=1)"
    assert again.registry.functions["pkg.f"].doc == "f(x=1)\n\nText."
    with pytest.raises(
        BuildError, match=r"call_signatures: .*docstrings.*pkg/_ffi_api\.py"
    ) as error:
        choose_names(asked, with_docs(None, finds_docs=False))
    assert "setuptools-tvm-ffi stubs" in (error.value.hint or "")


def test_a_package_that_ends_the_child_is_reported_with_a_hint() -> None:
    error = child_failure(request(), "generated-imports", 1, "Timeout (0:02:00)!")
    assert "importing the generated modules failed (exit status 1):\nTimeout" in error.message
    assert "move the code" in (error.hint or "")
