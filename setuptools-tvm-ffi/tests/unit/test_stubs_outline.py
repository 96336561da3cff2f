# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import ast
import textwrap

import pytest
from setuptools_tvm_ffi.stubs.directives import parse
from setuptools_tvm_ffi.stubs.outline import (
    NoOutlineError,
    Outline,
    class_names,
    handwritten_names,
    initialized_prefixes,
    outline,
    type_map,
    with_import_section,
)

BEGIN = "# tvm-ffi-stubgen(begin): "
END = "# tvm-ffi-stubgen(end)"
LOAD = 'LIB = _FFI_LOAD_LIB("my-distribution", "my_library")\n'


def block(name: str, *interior: str) -> str:
    return "\n".join((f"{BEGIN}{name}", *interior, END)) + "\n"


def cls(body: str = "", *, key: str = "pkg.A", head: str = "class A(_ffi_Object):") -> str:
    interior = textwrap.indent(block(f"object/{key}", "x: int", "if TYPE_CHECKING: ..."), "    ")
    own = textwrap.indent(textwrap.dedent(body), "    ")
    doc = f'    """FFI binding for `{key}`."""\n\n'
    return f'@_FFI_REG_OBJ("{key}")\n{head}\n{doc}{interior}{own}\n'


def outlined(text: str) -> Outline:
    compile(text, "mod.py", "exec")
    return outline(parse(text, "mod.py"))


def own(text: str) -> str:
    return "\n".join(outlined(text).own)


def refused(text: str) -> NoOutlineError:
    with pytest.raises(NoOutlineError) as caught:
        outlined(text)
    return caught.value


def test_the_outline_of_a_generated_module() -> None:
    found = outlined(
        '"""Bindings."""\n'
        + block("import-section", "from __future__ import annotations", "import tvm_ffi as ffi")
        + "# tvm-ffi-stubgen(import-object): tvm_ffi.Object;False;_ffi_Object\n"
        + LOAD
        + block("global/pkg", '_FFI_INIT_FUNC("pkg", __name__)')
        + cls()
        + f"__all__ = [\n    {BEGIN}__all__\n    'A',\n    'LIB',\n    {END}\n    'own',\n]\n"
    )
    assert found.doc == "Bindings."
    assert found.prefixes == ["pkg."]
    assert [(c.name, c.key, c.doc, c.own) for c in found.classes] == [("A", "pkg.A", None, [])]
    assert found.library == "my_library"
    assert found.exported == ["A", "LIB", "own"]
    assert (found.imports, found.own, found.own_names) == ([], [], set())


def test_an_empty_module_has_nothing() -> None:
    assert outlined("") == Outline()


def test_prefixes_exclude_the_module_after_the_at_sign() -> None:
    found = outlined(block("global/pkg.sub@other") + block("global/pkg"))
    assert found.prefixes == ["pkg.sub.", "pkg."]


def test_the_target_of_an_unknown_library_is_empty() -> None:
    assert outlined("").library is None
    assert outlined("import tvm_ffi\nLIB = tvm_ffi.load_module('a.so')\n").library == ""
    assert outlined("LIB = load_lib_module('dist', name)\n").library == ""


def test_a_type_map_is_read() -> None:
    text = (
        "# tvm-ffi-stubgen(ty-map): pkg.A -> numpy.ndarray\n"
        "# tvm-ffi-stubgen(ty-map): pkg.B->torch.Tensor\n"
    )
    expected = {"pkg.A": "numpy.ndarray", "pkg.B": "torch.Tensor"}
    assert type_map(parse(text, "_ffi_api.py")) == expected


def test_a_class_may_have_a_block_without_code() -> None:
    text = (
        "class A(_ffi_Object):\n"
        '    """FFI binding for `pkg.A`."""\n\n'
        f"    {BEGIN}object/pkg.A\n    # fmt: off\n    {END}\n"
        "class B(_ffi_Object):\n"
        f"    {BEGIN}object/pkg.B\n    x: int\n    {END}\n"
    )
    assert [(c.name, c.key) for c in outlined(text).classes] == [("A", "pkg.A"), ("B", "pkg.B")]


def test_a_class_may_have_another_name_than_its_key() -> None:
    (found,) = outlined(cls(head="class Mine(_ffi_Object):")).classes
    assert (found.name, found.key) == ("Mine", "pkg.A")


def test_a_handwritten_docstring_of_a_class_is_kept() -> None:
    text = cls().replace("FFI binding for `pkg.A`.", "  My class.\n\n        More.\n    ")
    assert outlined(text).classes[0].doc == "My class.\n\nMore."


@pytest.mark.parametrize(
    ("source", "stub", "name"),
    [
        ("def f(x, *a: int, y=1, **k) -> int:\n    return 1", None, "f"),
        ("async def f(x: int) -> int:\n    return 1", None, "f"),
        ("def f(x: int, /) -> int:\n    '''Doc.'''\n    return 1", None, "f"),
        ("@decorated(1)\ndef f(x):\n    return x", None, "f"),
        ("LIMIT: int = 3", "LIMIT: int", "LIMIT"),
        ("LIMIT: int", "LIMIT: int", "LIMIT"),
        ("LIMIT = 3", "LIMIT = 3", "LIMIT"),
        ("NAME = 'x'", "NAME = 'x'", "NAME"),
        ("FLAG = True", "FLAG = True", "FLAG"),
        ("RATE = 1.5", "RATE = 1.5", "RATE"),
        ("RAW = b'x'", "RAW = b'x'", "RAW"),
        ("other = f", "other = f", "other"),
        ("sep = os.sep", "sep = os.sep", "sep"),
    ],
)
def test_handwritten_definitions_are_repeated(source: str, stub: str | None, name: str) -> None:
    found = outlined(f"{block('global/pkg')}{source}\n")
    text = "\n".join(found.own)
    if stub is None:
        (statement,) = ast.parse(text).body
        (original,) = ast.parse(source).body
        assert isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef))
        assert isinstance(original, (ast.FunctionDef, ast.AsyncFunctionDef))
        assert type(statement) is type(original)
        assert ast.dump(statement.args) == ast.dump(original.args)
        assert ast.get_docstring(statement) == ast.get_docstring(original)
        assert list(map(ast.dump, statement.decorator_list)) == list(
            map(ast.dump, original.decorator_list)
        )
        assert ast.get_source_segment(text, statement.body[0]) in {"...", '"""Doc."""'}
    else:
        assert text == stub
    assert found.own_names == {name}


@pytest.mark.parametrize(
    "doc", ["one line", "two\n\nlines", 'ends with "', "back\\slash", '"""', "\x00\x0c\t", "größe"]
)
def test_a_handwritten_docstring_of_a_function_is_kept(doc: str) -> None:
    text = own(f"def f():\n    {doc!r}\n    return 1\n")
    (function,) = ast.parse(text).body
    assert isinstance(function, ast.FunctionDef)
    assert ast.get_docstring(function, clean=False) == doc


def test_a_handwritten_class_is_repeated() -> None:
    text = own(
        "class Helper(Base, metaclass=Meta):\n    '''Helps.'''\n    x: int = 1\n    limit = 2\n\n"
        "    def f(self) -> int:\n        return 1\n\n    class Inner:\n        pass\n"
    )
    (helper,) = ast.parse(text).body
    assert isinstance(helper, ast.ClassDef)
    assert [ast.unparse(part) for part in (*helper.bases, *helper.keywords)] == [
        "Base",
        "metaclass=Meta",
    ]
    assert [ast.unparse(line).splitlines()[0] for line in helper.body] == [
        "'Helps.'",
        "x: int",
        "limit = 2",
        "def f(self) -> int:",
        "class Inner:",
    ]


def test_handwritten_members_are_separate_from_generated_members() -> None:
    (found,) = outlined(
        cls("""
            limit = 3

            def mine(self, x: int) -> int:
                '''Do it.'''
                return x

            @property
            def twice(self) -> int:
                return 2 * self.x
            """)
    ).classes
    assert found.own_names == {"limit", "mine", "twice"}
    assert "\n".join(found.own) == (
        'limit = 3\ndef mine(self, x: int) -> int:\n    """Do it."""\n'
        "@property\ndef twice(self) -> int:\n    ..."
    )


def test_members_before_the_block() -> None:
    text = (
        "class A(_ffi_Object):\n    def mine(self):\n        return 1\n\n"
        f"    {BEGIN}object/pkg.A\n    x: int\n    {END}\n"
    )
    (found,) = outlined(text).classes
    assert found.own_names == {"mine"}


def test_slots_are_not_a_member() -> None:
    assert outlined(cls("__slots__ = ()\n")).classes[0].own == []


def test_only_handwritten_imports_are_repeated() -> None:
    found = outlined(
        "from __future__ import annotations\n"
        + block("import-section", "import generated")
        + "import numpy as np\nfrom . import other\nfrom typing import *\n"
        "if TYPE_CHECKING:\n    from torch import Tensor\n"
    )
    assert found.imports == [
        "import numpy as np",
        "from . import other as other",
        "from typing import *",
        "from torch import Tensor as Tensor",
    ]


@pytest.mark.parametrize("condition", ["TYPE_CHECKING", "typing.TYPE_CHECKING", "_t.TYPE_CHECKING"])
def test_definitions_for_type_checkers_are_repeated(condition: str) -> None:
    text = f"if {condition}:\n    def f() -> int: ...\n    X: int\n"
    assert own(text) == "def f() -> int:\n    ...\nX: int"


@pytest.mark.parametrize(
    "statement",
    [
        "for x in y: pass",
        "while False: pass",
        "try:\n    import numpy\nexcept ImportError:\n    numpy = None",
        "with x: pass",
        "if sys.version_info > (3, 12):\n    def f(): ...",
        "if TYPE_CHECKING:\n    X: int\nelse:\n    X = 1",
        "X = None",
        "X = ...",
        "class A:\n    def __init__(self):\n        self.cache = {}",
        "class A:\n    def f(this):\n        this.cache: int = 1",
        "X = f()",
        "X = [1]",
        "X, Y = 1, 2",
        "X = Y = 1",
        "X.y = 1",
        "X += 1",
        "del X",
        "__all__ += ['x']",
        "__all__ = sorted(x)",
        "__all__ = [x]",
        "__all__ = [*x]",
        "__all__ = ['x', 1]",
        "class A:\n    def f(self): ...\n    f = g(f)",
    ],
)
def test_unsupported_statements_are_refused_with_their_line(statement: str) -> None:
    before = '"""Doc."""\n' + block("global/pkg", "x = 1") + "\n"
    error = refused(f"{before}{statement}\nZ: int\n")
    first = before.count("\n") + 1
    assert first <= error.line <= first + statement.count("\n")
    assert error.what


@pytest.mark.parametrize(
    "head", ["class A(_ffi_Object, Mixin):", "class A(_ffi_Object, metaclass=M):"]
)
def test_a_class_with_further_bases_is_refused(head: str) -> None:
    error = refused(cls(head=head))
    assert (error.line, "class A " in error.what) == (2, True)


def test_an_unsupported_member_is_refused() -> None:
    assert "statement" in refused(cls("total = compute()\n")).what


def test_the_content_of_a_block_is_skipped() -> None:
    found = outlined(block("global/pkg", "print(1)", "if x:", "    y = f()", "z += 1"))
    assert found.own == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", True),
        ("'''Doc.'''\n", True),
        (f"'''Doc.'''\n{block('export/_ffi_api', 'from ._ffi_api import *')}", True),
        ("# a comment\nfrom __future__ import annotations\n", True),
        ("import os\n", False),
        ("X = 1\n", False),
        ("print(1)\n", False),
        ("__all__ = []\n", False),
        (f"{block('export/_ffi_api')}def f(): ...\n", False),
    ],
)
def test_a_package_without_code_is_recognized(text: str, expected: object) -> None:
    assert outlined(text).has_code is not expected


def test_a_class_that_derives_from_a_handwritten_class_is_refused() -> None:
    text = "class Mixin(_ffi_Object):\n    def hello(self) -> str: ...\n"
    with pytest.raises(NoOutlineError, match="derives from Mixin"):
        outlined(text + cls(head="class A(Mixin):"))


def test_generated_imports_of_handwritten_code_are_repeated() -> None:
    found = outlined(
        block(
            "import-section",
            "from __future__ import annotations",
            "from tvm_ffi import Object as _ffi_Object, init_ffi_api as _FFI_INIT_FUNC",
            "if TYPE_CHECKING:",
            "    from collections.abc import Sequence",
        )
        + "def own(x: _ffi_Object) -> Sequence[int]: ...\n"
    )
    assert found.imports == [
        "from collections.abc import Sequence as Sequence",
        "from tvm_ffi import Object as _ffi_Object",
    ]
    assert found.imported_names == {"Sequence", "_ffi_Object"}


def test_an_async_generator_is_a_function_that_returns_an_iterator() -> None:
    text = own("async def f() -> AsyncIterator[int]:\n    yield 1\n")
    assert text == "def f() -> AsyncIterator[int]:\n    ..."


def test_all_may_be_annotated() -> None:
    found = outlined("__all__: list[str] = ['LIB']\n")
    assert (found.exported, found.own) == (["LIB"], [])


@pytest.mark.parametrize(
    "call",
    [
        "load_lib_module('dist', 'library')",
        "libinfo.load_lib_module(package='dist', target_name='library')",
        "_FFI_LOAD_LIB('dist', target_name='library')",
    ],
)
def test_the_target_is_found_however_it_is_passed(call: str) -> None:
    assert outlined(f"LIB = {call}\n").library == "library"


def test_an_annotated_library_keeps_its_type() -> None:
    found = outlined("LIB: Mine = load_lib_module('dist', 'library')\n")
    assert (found.library, found.own, found.own_names) == (None, ["LIB: Mine"], {"LIB"})


@pytest.mark.parametrize("value", ["lambda: 0", "f'{1 + 1}'", "[1, *x]", "{}"])
def test_a_complex_default_becomes_an_ellipsis(value: str) -> None:
    assert own(f"def f(x={value}): ...\n") == "def f(x=...):\n    ..."


def test_expressions_are_not_repeated() -> None:
    assert own("print('loaded')\n") == ""


def test_handwritten_imports_are_re_exported() -> None:
    found = outlined("import os.path\nfrom .helpers import helper, other as another\n")
    assert found.imports == [
        "import os.path",
        "from .helpers import helper as helper",
        "from .helpers import other as another",
    ]


def test_classes_are_found_in_any_file() -> None:
    text = cls(head="class Mine(_ffi_Object):") + "x = [1]\n"
    assert class_names(parse(text, "objects.py")) == {"pkg.A": "Mine"}


# --- handwritten modules --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "call",
    [
        'tvm_ffi.init_ffi_api("pkg", __name__)',
        'tvm_ffi.registry.init_ffi_api(namespace="pkg", target_module_name=__name__)',
        'from tvm_ffi import init_ffi_api\ninit_ffi_api("pkg", __name__)',
        'from tvm_ffi import init_ffi_api as _init\n_init("pkg", __name__)',
    ],
)
def test_a_handwritten_module_has_the_prefixes_that_it_initializes(call: str) -> None:
    found = outlined(f"import tvm_ffi\n{call}\ndef f() -> int:\n    return 1\n")
    assert found.prefixes == ["pkg."]
    assert found.own_names == {"f"}


def test_calls_in_blocks_and_of_other_functions_initialize_nothing() -> None:
    text = block("global/pkg", 'tvm_ffi.init_ffi_api("pkg", __name__)') + 'f("a", __name__)\n'
    assert initialized_prefixes(parse(text, "mod.py")) == []
    assert initialized_prefixes(parse("def f(:\n", "mod.py")) == []


def test_a_class_that_a_handwritten_module_registers_gets_its_members() -> None:
    text = (
        '@tvm_ffi.register_object("pkg.A")\nclass A(tvm_ffi.Object):\n'
        '    """Mine."""\n    def mine(self) -> int:\n        return 1\n'
    )
    found = outlined(f'{text}tvm_ffi.init_ffi_api("pkg", __name__)\n')
    (only,) = found.classes
    assert (only.name, only.key, only.doc, only.own_names) == ("A", "pkg.A", "Mine.", {"mine"})
    assert only.whole[:2] == ["@tvm_ffi.register_object('pkg.A')", "class A(tvm_ffi.Object):"]
    # In a module with blocks, such a class is repeated as it is.
    assert outlined(text).own[:2] == only.whole[:2]


def test_a_value_that_a_stub_cannot_repeat_has_any_type_in_a_handwritten_module() -> None:
    text = 'CACHE = {}\nLIMIT = 3\ninit_ffi_api("pkg", __name__)\nOTHER = f()\n'
    found = outlined(text)
    assert found.own == ["CACHE: _Any", "LIMIT = 3", "OTHER: _Any"]
    assert found.imports == ["from typing import Any as _Any"]


@pytest.mark.parametrize(
    "before",
    [
        "",
        '"""Doc\x0cof\ntwo lines."""\n',
        '"""Doc."""\n# why\nfrom __future__ import annotations\n',
    ],
)
def test_the_imports_of_the_generator_come_before_handwritten_code(before: str) -> None:
    code = "\nimport os\n\n\ndef helper(): ...\n"
    text = with_import_section(parse(before + code, "mod.py"))
    assert text.replace(block("import-section"), "") == before + code
    imports = block("import-section", "from __future__ import annotations")
    compile(text.replace(block("import-section"), imports), "mod.py", "exec", dont_inherit=True)


@pytest.mark.parametrize("text", ["", '"""Doc."""\n', "# only a comment\n", "def f(:\n"])
def test_a_module_without_code_gets_no_block(text: str) -> None:
    assert with_import_section(parse(text, "mod.py")) == text


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("from __future__ import annotations\n", set()),
        ("def f():\n    x = 1\nasync def g(): ...\n", {"f", "g"}),
        ("class C:\n    add = 1\n    def get(self): ...\n", {"C", "C.add", "C.get"}),
        ("x = [a for a in y]\ny = lambda z: z\n", {"x", "y"}),
        ("import a.b, c as d\nfrom .e import *\n", {"a", "d", "*"}),
        (f"x = 1\n{block('global/pkg', 'y = 1')}", {"x"}),
        ("if not typing.TYPE_CHECKING:\n    x = 1\n", {"x"}),
    ],
)
def test_handwritten_names_are_those_that_a_module_defines(code: str, names: set[str]) -> None:
    found = parse(code, "mod.py")
    assert handwritten_names(found) == handwritten_names(found, at_run_time=True) == names


def test_some_names_are_for_type_checkers_only() -> None:
    file = parse("if typing.TYPE_CHECKING:\n    def f(): ...\nelse:\n    x = 1\n", "mod.py")
    assert handwritten_names(file) == {"f", "x"}
    assert handwritten_names(file, at_run_time=True) == {"x"}
