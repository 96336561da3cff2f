# SPDX-License-Identifier: Apache-2.0
"""Generated stubs, preserved handwritten code, and errors of the stub generator."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import zipfile

import pytest
from environments import make_environment
from sample_projects import PROJECTS, Project, ProjectFactory

API = "small_pkg/_ffi_api.py"
INIT = ("__init__.py", "__init__.pyi")
STUBS = (".py", ".pyi", "/py.typed")

CIRCLE = """
#include <tvm/ffi/tvm_ffi.h>

struct CircleObj : public tvm::ffi::Object {
  double radius;
  explicit CircleObj(double radius) : radius(radius) {}
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("small_pkg.Circle", CircleObj, tvm::ffi::Object);
};

TVM_FFI_STATIC_INIT_BLOCK() {
  namespace refl = tvm::ffi::reflection;
  refl::ObjectDef<CircleObj>().def(refl::init<double>()).def_ro("radius", &CircleObj::radius);
  refl::GlobalDef().def("small_pkg.deep.er.area", [](double r) { return 3 * r * r; });
}
"""


def commit_stubs(project: Project) -> None:
    """Copy the stubs of the last wheel into the source tree, like an editable install."""
    for name in project.names():
        if name.endswith(STUBS):
            (project.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (project.folder / name).write_text(project.read(name))


def add_circle(project: Project) -> None:
    (project.folder / "csrc" / "circle.cc").write_text(CIRCLE)


@pytest.fixture
def small(project: ProjectFactory) -> Project:
    built: Project = project("small")
    return built


def test_a_wheel_carries_stubs_and_the_source_tree_does_not_change(small: Project) -> None:
    before = small.tree()
    small.build()
    assert "def add_shared(_0: int, /) -> int: ..." in small.read(API)
    assert "class Point(" in small.read(API)
    assert "from ._ffi_api import *" in small.read("small_pkg/__init__.py")
    assert small.tree() == before


def test_new_functions_classes_and_prefixes_appear_without_editing_python(small: Project) -> None:
    small.build()
    commit_stubs(small)
    add_circle(small)
    small.build()
    api = small.read(API)
    assert api.count("class Circle(") == 1
    assert api.count("class Point(") == 1
    # Upstream's init mode would append a second block here.
    assert api.count("LIB = ") == 1
    assert "def area(_0: float, /) -> float: ..." in small.read("small_pkg/deep/er/_ffi_api.py")
    environment = make_environment(small.folder.parent / "venv", small.environment.variables)
    environment.pip("install", "-q", small.wheel, cwd=small.folder)
    program = (
        "import small_pkg, small_pkg.deep.er as er; "
        "print(small_pkg.Circle(2.0).radius, er.area(1.0), small_pkg.LIB.twice(21), "
        "small_pkg.add_shared(1))"
    )
    printed = environment.run(environment.python, "-c", program, cwd=small.folder.parent)
    assert printed.stdout.split() == ["2.0", "3.0", "42", "2"]


def test_building_on_committed_stubs_changes_nothing(small: Project) -> None:
    add_circle(small)
    small.build()
    first = {name: small.read(name) for name in small.names() if name.endswith(STUBS)}
    commit_stubs(small)
    small.build()
    assert {name: small.read(name) for name in small.names() if name.endswith(STUBS)} == first


@pytest.mark.long
def test_handwritten_code_is_unchanged_byte_for_byte(small: Project) -> None:
    small.build()
    commit_stubs(small)
    api = small.folder / API
    text = api.read_text()
    # a form feed, trailing blanks, a handwritten class body, and no final newline
    by_hand = "\n\f\ndef by_hand():   \n    return 'kept'"
    edited = text.replace('"""FFI binding for `small_pkg.Point`."""', '"""A point."""') + by_hand
    api.write_text(edited)
    add_circle(small)
    small.build()
    result = small.read(API)
    assert '"""A point."""' in result
    assert by_hand in result
    assert "class Circle(" in result
    (small.folder / "csrc" / "circle.cc").unlink()
    small.build()
    assert small.read(API) == edited


@pytest.mark.long
def test_handwritten_code_of_an_unlisted_package_is_kept(small: Project) -> None:
    by_hand = small.folder / "small_pkg" / "deep" / "__init__.py"
    by_hand.parent.mkdir()
    by_hand.write_text('"""By hand."""\n\nKEPT = 1\n')
    small.edit("csrc/functions.cc", "small_pkg.add_shared", "small_pkg.deep.add_shared")
    small.build()
    assert small.read("small_pkg/deep/__init__.py").startswith('"""By hand."""\n\nKEPT = 1\n')
    small.environment.run(
        *(small.environment.python, "-I", "-c"),
        "from setuptools_tvm_ffi.build_meta import build_editable; build_editable('..')",
        cwd=small.folder,
        variables={"CXXFLAGS": "-O0"},
    )
    assert by_hand.read_text().startswith('"""By hand."""\n\nKEPT = 1\n')
    assert "from ._ffi_api import *" in by_hand.read_text()


BY_HAND = """\"\"\"By hand.\"\"\"
import tvm_ffi

_LIB = tvm_ffi.libinfo.load_lib_module("small-project", "small")


def helper(x: int) -> int:
    return x + 1


tvm_ffi.init_ffi_api("small_pkg", __name__)
"""


@pytest.mark.long
def test_a_handwritten_module_that_adds_the_functions_itself_is_kept_and_typed(
    small: Project,
) -> None:
    (small.folder / API).write_text(BY_HAND)
    small.build()
    assert small.read(API) == BY_HAND
    package = "small_pkg/__init__.py"
    assert small.read(package) == (small.folder / package).read_text()
    stub = small.read(f"{API}i")
    assert "def add_shared(_0: int, /) -> int: ..." in stub
    assert "def helper(x: int) -> int:" in stub
    assert "_LIB: _Any" in stub

    small.edit("setup.py", "include_dirs=", "call_signatures=True, include_dirs=")
    printed = small.refuse()
    assert "call_signatures" in printed
    assert f"handwritten {API}" in printed


@pytest.mark.long
def test_a_handwritten_module_without_blocks_gets_blocks_around_its_code(small: Project) -> None:
    code = BY_HAND.replace('tvm_ffi.init_ffi_api("small_pkg", __name__)\n', "")
    (small.folder / API).write_text(code.replace("_LIB =", "LIB ="))
    small.build()
    api, stub = small.read(API), small.read(f"{API}i")
    assert api.count("LIB = ") == 1
    for text in (api, stub):
        assert "def helper(x: int) -> int:" in text
        assert "def add_shared(_0: int, /) -> int: ..." in text


@pytest.mark.long
def test_a_library_in_a_package_and_one_below_it_have_stubs_of_their_own(small: Project) -> None:
    (small.folder / "sub").mkdir()
    (small.folder / "sub" / "sub.cc").write_text(
        "#include <tvm/ffi/tvm_ffi.h>\n\nTVM_FFI_STATIC_INIT_BLOCK() {\n"
        "  tvm::ffi::reflection::GlobalDef().def(\n"
        '      "small_pkg.sub.negate", [](int64_t x) { return -x; });\n}\n'
    )
    (small.folder / "small_pkg" / "sub").mkdir()
    (small.folder / "small_pkg" / "sub" / "__init__.py").touch()
    small.edit(
        "setup.py",
        "ext_modules=[",
        'ext_modules=[TVMFFIExtension("small_pkg.sub.second", ["sub/*.cc"]), ',
    )
    small.edit("pyproject.toml", '["small_pkg"]', '["small_pkg", "small_pkg.sub"]')
    for _ in range(2):  # the second time with existing stubs
        small.build()
        assert "add_shared" in small.read(API)
        assert 'LIB = _FFI_LOAD_LIB("small-project", "small")' in small.read(API)
        sub = small.read("small_pkg/sub/_ffi_api.py")
        assert "def negate(_0: int, /) -> int: ..." in sub
        assert 'LIB = _FFI_LOAD_LIB("small-project", "second")' in sub
        commit_stubs(small)


@pytest.mark.long
def test_a_library_without_stubs_does_not_change_the_stubs_of_another(
    small: Project,
) -> None:
    shutil.copytree(PROJECTS / "c_only" / "csrc", small.folder / "plain")
    more = 'ext_modules=[TVMFFIExtension("small_pkg.plain", ["plain/*.c"], stubs="none"), '
    small.edit("setup.py", "ext_modules=[", more)
    for _ in range(2):  # the second time with existing stubs
        small.build()
        assert {"small_pkg/libplain.so", "small_pkg/libsmall.so"} <= small.names()
        assert small.read(API).count("LIB = ") == 1
        assert "def add_shared(" in small.read(API)
        commit_stubs(small)


@pytest.mark.long
def test_line_endings_of_a_file_are_preserved(small: Project) -> None:
    small.build()
    commit_stubs(small)
    api = small.folder / API
    api.write_bytes(api.read_bytes().replace(b"\n", b"\r\n"))
    small.edit(
        "csrc/functions.cc",
        "TVM_FFI_STATIC_INIT_BLOCK() {",
        "TVM_FFI_STATIC_INIT_BLOCK() {\n"
        '  tvm::ffi::reflection::GlobalDef().def("small_pkg.zero", []() { return 0; });',
    )
    small.build()
    content = small.read(API)
    assert "def zero() -> int: ..." in content
    assert content.count("\n") == content.count("\r\n")


def test_directive_mode_fills_blocks_and_creates_nothing(small: Project) -> None:
    small.edit("setup.py", "include_dirs=", 'stubs="directives", include_dirs=')
    (small.folder / "small_pkg" / "ops.py").write_text(
        '"""By hand."""\n\n'
        "# tvm-ffi-stubgen(begin): import-section\n# tvm-ffi-stubgen(end)\n\n"
        "from tvm_ffi.libinfo import load_lib_module\n\n"
        'LIB = load_lib_module("small-project", "small")\n\n'
        "# tvm-ffi-stubgen(begin): global/small_pkg\n# tvm-ffi-stubgen(end)\n"
    )
    small.build()
    assert {name for name in small.names() if name.endswith(".py")} == {
        "small_pkg/__init__.py",
        "small_pkg/ops.py",
    }
    assert "def add_shared(_0: int, /) -> int: ..." in small.read("small_pkg/ops.py")


@pytest.mark.long
def test_without_stubs_no_process_starts_and_no_file_changes(small: Project) -> None:
    small.edit("setup.py", "include_dirs=", 'stubs="none", include_dirs=')
    printed = small.build()
    assert "generated stubs" not in printed.stdout + printed.stderr
    assert {n for n in small.names() if n.endswith(".py")} == {"small_pkg/__init__.py"}


def directives(project: Project, text: str) -> None:
    project.edit("setup.py", "include_dirs=", 'stubs="directives", include_dirs=')
    (project.folder / "small_pkg" / "ops.py").write_text(text)


BEGIN, END = "# tvm-ffi-stubgen(begin): ", "# tvm-ffi-stubgen(end)\n"


@pytest.mark.long
@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            f"{BEGIN}global/small_pkg\n",
            "small_pkg/ops.py:1: block 'global/small_pkg' is not closed",
        ),
        (f"{END}", "small_pkg/ops.py:1: end marker"),
        (
            f"{BEGIN}global/small_pkg\n{BEGIN}__all__\n{END}{END}",
            "small_pkg/ops.py:2: a block begins inside",
        ),
        (f"{BEGIN}function/x\n{END}", "small_pkg/ops.py:1: unknown block 'function/x'"),
        ("# tvm-ffi-stubgen(begin) global/x\n", "small_pkg/ops.py:1: malformed directive"),
        ("# tvm-ffi-stubgen(ty-map): nonsense\n", "tvm-ffi-stubgen 0."),
        ("# tvm-ffi-stubgen(no-such-thing): x\n", "tvm-ffi-stubgen 0."),
        (
            f"{BEGIN}global/small_pkgs\n{END}",
            "small_pkg/ops.py:1: block 'global/small_pkgs': nothing is registered under",
        ),
        (f"{BEGIN}object/small_pkg.Pont\n{END}", "small_pkg.Pont"),
        (
            f"import os\n{BEGIN}import-section\n{END}{BEGIN}global/small_pkg\n{END}",
            "from __future__ imports must occur at the beginning of the file",
        ),
    ],
    ids=[
        "unclosed",
        "unopened",
        "nested",
        "unknown-kind",
        "malformed",
        "bad-ty-map",
        "unknown-directive",
        "misspelt-prefix",
        "misspelt-type",
        "import-above-the-import-section",
    ],
)
def test_an_invalid_directive_fails_the_build(text: str, message: str, small: Project) -> None:
    directives(small, text)
    assert message in small.refuse()


#: A function without registrations, instead of a constructor.
NO_INIT = '"half", &PointObj::middle'


def warnings(process: subprocess.CompletedProcess[str]) -> list[str]:
    """Return the plugin's warnings without their prefix."""
    printed = process.stdout + process.stderr
    return re.findall(r"^setuptools-tvm-ffi: warning: (.*)$", printed, re.MULTILINE)


def unpacked(project: Project) -> str:
    """Unpack the wheel and return the folder."""
    folder = project.folder.parent / "unpacked"
    with zipfile.ZipFile(project.wheel) as archive:
        archive.extractall(folder)
    return str(folder)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("small_pkg.import", "'import' is a Python keyword"),
        pytest.param("small_pkg.a-b", "'a-b' is not a Python identifier", marks=pytest.mark.long),
        pytest.param("small_pkg.class.f", "'class' is a Python keyword", marks=pytest.mark.long),
    ],
)
def test_an_invalid_registered_name_is_omitted_with_a_warning_or_rejected(
    name: str, reason: str, small: Project
) -> None:
    small.edit("csrc/functions.cc", "small_pkg.add_shared", name)
    assert warnings(small.build()) == [
        f"function {name!r}: {reason}: left out of the stubs; "
        f"tvm_ffi.get_global_func({name!r}) returns it"
    ]
    stubs = {n for n in small.names() if n.endswith(STUBS)}
    assert stubs == {API, f"{API}i", *(f"small_pkg/{n}" for n in INIT), "small_pkg/py.typed"}
    for stub in stubs:
        assert name.rpartition(".")[2] not in re.findall(r"def (\S+)\(", small.read(stub))
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import small_pkg, tvm_ffi; "
        "print(sorted(small_pkg.__all__), tvm_ffi.get_global_func(sys.argv[2])(41))"
    )
    printed = small.environment.run(
        *(small.environment.python, "-I", "-c", program, unpacked(small), name), cwd=small.folder
    )
    assert printed.stdout == "['LIB', 'Point'] 42\n"
    refused = small.refuse(config_settings={"stubs": "strict"})
    assert f"extension 'small_pkg.small': registered function {name!r}: {reason}\n" in refused
    assert re.search("hint: .* 'warn' or 'check'", refused)


@pytest.mark.long
@pytest.mark.parametrize(
    ("edits", "expression"),
    [
        ({'"middle"': '"from"'}, "getattr(Point(1.0, 3.0), 'from')()"),
        # A generated constructor would need this field as a parameter.
        (
            {'"x", &PointObj::x': '"from", &PointObj::x', "refl::init<double, double>()": NO_INIT},
            "getattr(Point, 'from') and 2.0",
        ),
    ],
    ids=["method", "field"],
)
def test_an_invalid_member_name_is_omitted_with_a_warning_or_rejected(
    edits: dict[str, str], expression: str, small: Project
) -> None:
    for old, new in edits.items():
        small.edit("csrc/point.cc", old, new)
    reason = "member 'small_pkg.Point.from': 'from' is a Python keyword"
    (warning,) = warnings(small.build())
    assert warning.startswith(f"{reason}: left out of the stubs; getattr(")
    for stub in (API, f"{API}i"):
        text = small.read(stub)
        ast.parse(text)
        assert not re.search(r"\bfrom\b(:|\()", text)
        assert "def y(" in text or "y: float" in text
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); from small_pkg import Point; "
        f"print({expression})"
    )
    printed = small.environment.run(
        *(small.environment.python, "-I", "-c", program, unpacked(small)), cwd=small.folder
    )
    assert printed.stdout == "2.0\n"
    assert f"registered {reason}\n" in small.refuse(config_settings={"stubs": "strict"})


@pytest.mark.long
@pytest.mark.parametrize("name", ["__name__", "__path__", "__getattr__"])
def test_a_function_that_would_replace_a_module_attribute_is_always_rejected(
    name: str, small: Project
) -> None:
    small.edit("csrc/functions.cc", "small_pkg.add_shared", f"small_pkg.{name}")
    printed = small.refuse()
    assert f"registered function 'small_pkg.{name}': {name!r} would replace" in printed
    assert "'warn' or 'check'" not in printed


@pytest.mark.long
def test_a_committed_block_for_a_removed_name_is_rejected_with_its_place(small: Project) -> None:
    add_circle(small)
    small.build()
    commit_stubs(small)
    (small.folder / "csrc" / "circle.cc").unlink()
    printed = small.refuse()
    assert "small_pkg/deep/er/_ffi_api.py:" in printed
    assert "nothing is registered under 'small_pkg.deep.er.'" in printed
    shutil.rmtree(small.folder / "small_pkg" / "deep")
    printed = small.refuse()
    assert "small_pkg/_ffi_api.py:" in printed
    assert "no type 'small_pkg.Circle' is registered" in printed


@pytest.mark.long
def test_a_function_without_types_is_left_out_with_a_warning(small: Project) -> None:
    small.edit(
        "csrc/functions.cc",
        "  tvm::ffi::reflection::GlobalDef()",
        "  tvm::ffi::Function::SetGlobal(\n"
        '      "small_pkg.untyped", tvm::ffi::Function::FromTyped([](int64_t x) { return x; }));\n'
        "  tvm::ffi::reflection::GlobalDef()",
    )
    printed = small.build()
    assert "add_shared" in small.read(API)
    assert "untyped" not in small.read(API)
    assert "'small_pkg.untyped'" in printed.stdout + printed.stderr
