# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import pytest
from setuptools_tvm_ffi.base.errors import ConfigurationError
from setuptools_tvm_ffi.settings.declaration import Declaration, did_you_mean, key_of
from setuptools_tvm_ffi.settings.languages import LanguageArguments
from setuptools_tvm_ffi.settings.values import (
    EXTENSION_NAME,
    FLAG,
    MACROS,
    PER_LANGUAGE,
    PLATFORM_TAG,
    REGISTRY_PREFIX,
    TEXT,
    Kind,
    choice,
    count,
    files,
    strings,
)

PLACE = "here"
COUNT = count(4096)


def refused(kind: Kind, value: object) -> str:
    with pytest.raises(ConfigurationError) as caught:
        kind.parse(PLACE, value)
    message = caught.value.message
    assert message.startswith("here")
    assert "\n" not in message
    return message


def unreadable(kind: Kind, text: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        kind.parse(PLACE, kind.read(text))
    return caught.value.message


def parsed_text(kind: Kind, text: str) -> Any:
    return kind.parse(PLACE, kind.read(text))


@pytest.mark.parametrize(
    ("field", "key"), [("jobs", "jobs"), ("cxx_std", "cxx-std"), ("a_b_c", "a-b-c")]
)
def test_a_key_is_the_field_with_dashes(field: str, key: str) -> None:
    assert key_of(field) == key


def test_a_similar_name_is_suggested() -> None:
    assert did_you_mean("sorces", ["name", "sources"]) == ", did you mean 'sources'?"


@pytest.mark.parametrize("name", ["", "zzz", "größe"])
def test_nothing_is_suggested_without_a_similar_name(name: str) -> None:
    assert did_you_mean(name, ["name", "sources"]) == ""


def test_messages_contain_a_dotted_key_or_an_argument() -> None:
    table = Declaration("pyproject.toml: tool.x.ext-modules[3]", in_toml=True)
    call = Declaration("TVMFFIExtension('a.b')")
    assert table.at("include_dirs") == "pyproject.toml: tool.x.ext-modules[3].include-dirs"
    assert call.at("include_dirs") == "TVMFFIExtension('a.b'): include_dirs"


# --- text ---------------------------------------------------------------------------------------


def test_text_is_unchanged() -> None:
    assert TEXT.parse(PLACE, " ccache ") == " ccache "
    assert parsed_text(TEXT, "/opt/my tools/ccache -v") == "/opt/my tools/ccache -v"


@pytest.mark.parametrize("value", ["", " ", "\t\n"])
def test_text_may_not_be_empty(value: str) -> None:
    assert refused(TEXT, value) == "here is empty"


@pytest.mark.parametrize("value", [3, 1.5, True, ["a"], {"a": "b"}, None])
def test_text_must_be_a_string(value: object) -> None:
    assert refused(TEXT, value) == f"here is {value!r}, expected a string"


# --- flags --------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [True, False])
def test_a_flag_is_true_or_false(value: bool) -> None:  # noqa: FBT001 - that is what it is about
    assert FLAG.parse(PLACE, value) is value


@pytest.mark.parametrize("value", [0, 1, "true", "", 1.0, math.nan, [], [True], {}, None])
def test_a_flag_must_be_a_boolean(value: object) -> None:
    assert refused(FLAG, value) == f"here is {value!r}, expected true or false"


@pytest.mark.parametrize("text", ["true", "True", "TRUE", "yes", "on", "1", " on "])
def test_words_for_true(text: str) -> None:
    assert parsed_text(FLAG, text) is True


@pytest.mark.parametrize("text", ["false", "False", "no", "NO", "off", "0", "false\n"])
def test_words_for_false(text: str) -> None:
    assert parsed_text(FLAG, text) is False


@pytest.mark.parametrize("text", ["", "2", "y", "n", "enabled", "t", "truee", "none", "ja"])
def test_other_words_are_not_flags(text: str) -> None:
    assert unreadable(FLAG, text) == f"here is {text!r}, expected true or false"


# --- counts -------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [1, 2, 4095, 4096])
def test_a_count_is_a_whole_number(value: int) -> None:
    assert COUNT.parse(PLACE, value) == value
    assert parsed_text(COUNT, str(value)) == value


@pytest.mark.parametrize("value", [0, -1, 4097, 2**63, -(2**63), 10**30])
def test_a_count_has_bounds(value: int) -> None:
    assert refused(COUNT, value) == f"here is {value}, expected a whole number from 1 to 4096"
    assert (
        unreadable(COUNT, str(value)) == f"here is {value}, expected a whole number from 1 to 4096"
    )


@pytest.mark.parametrize("value", [True, 1.0, math.inf, math.nan, "4", "", [4], {}, None])
def test_a_count_must_be_an_integer(value: object) -> None:
    assert refused(COUNT, value) == f"here is {value!r}, expected a whole number from 1 to 4096"


@pytest.mark.parametrize("text", ["", "four", "1.0", "1e3", "0x10", "4 5", "9" * 5000])
def test_a_count_is_written_in_decimal(text: str) -> None:
    assert unreadable(COUNT, text) == f"here is {text!r}, expected a whole number from 1 to 4096"


# --- choices ------------------------------------------------------------------------------------

STANDARDS = choice("17", "20")


@pytest.mark.parametrize("value", ["17", 17])
def test_a_number_may_be_chosen_as_a_number(value: object) -> None:
    assert STANDARDS.parse(PLACE, value) == "17"


@pytest.mark.parametrize(
    "value", ["", "1", "17 ", "c++17", 14, 17.0, True, None, ["17"], {"17": 1}, math.nan]
)
def test_an_unknown_choice_is_refused(value: object) -> None:
    assert refused(STANDARDS, value) == f"here is {value!r}, expected one of '17', '20'"


def test_a_choice_is_read_from_text() -> None:
    assert parsed_text(STANDARDS, "20") == "20"
    assert unreadable(STANDARDS, "23") == "here is '23', expected one of '17', '20'"


# --- lists --------------------------------------------------------------------------------------

LETTERS = strings(r"[a-z]+", "letters")


@pytest.mark.parametrize("value", [[], ["a"], ["b", "a", "b"]])
def test_a_list_keeps_its_order(value: list[str]) -> None:
    assert strings().parse(PLACE, value) == tuple(value)


def test_python_code_may_pass_paths() -> None:
    assert strings().parse(PLACE, (Path("a/b"), "c")) == ("a/b", "c")


@pytest.mark.parametrize("value", ["a", b"a", "", 3, True, 1.5, {}, {"a": "b"}, None])
def test_a_list_of_strings_must_be_a_list(value: object) -> None:
    assert refused(strings(), value) == (f"here is {value!r}, expected a list of strings")


@pytest.mark.parametrize("item", [3, True, None, ["a"], {}, 1.5])
def test_a_list_of_strings_must_contain_strings(item: object) -> None:
    assert refused(strings(), ["a", item]) == (
        f"here contains {item!r}, expected a string or a path"
    )


@pytest.mark.parametrize("item", ["", "A", "a ", "a\n", " a", "a1"])
def test_the_whole_item_must_match_the_pattern(
    item: str,
) -> None:
    assert refused(LETTERS, ["a", item]) == f"here contains {item!r}, expected letters"


@pytest.mark.parametrize("text", ["a;b", "a b", " a ; b ", "a\tb\n", "a;\n b"])
def test_text_is_split_at_semicolons_and_white_space(text: str) -> None:
    kind = strings(r"[a-z]*", "letters")
    assert parsed_text(kind, text) == ("a", "b")


FILES = files(".c", ".cc", hint="look here")


@pytest.mark.parametrize("value", ["a.c", "a.b.cc", "src/**/*.c", "../a.c", "ü/中.cc"])
def test_a_file_has_one_of_the_suffixes(value: str) -> None:
    assert FILES.parse(PLACE, [value]) == (value,)


@pytest.mark.parametrize("value", ["", "a", "a.C", "a.h", ".c", "a.c/", "a.c ", "a.c\n"])
def test_a_file_with_another_suffix_is_refused(value: str) -> None:
    assert refused(FILES, ["a.c", value]) == f"here: {value!r} does not end in one of .c .cc"


def test_a_list_may_be_empty_by_default() -> None:
    assert FILES.parse(PLACE, []) == ()
    assert strings().parse(PLACE, []) == ()
    kind = strings(may_be_empty=False)
    assert refused(kind, []) == "here is empty"
    assert kind.schema["minItems"] == 1


# --- macros -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "macro", [("A", "1"), ("_a1", ""), ("A", "a b"), ("F(x, y)", "x"), ("F(...)", "1"), ("F()", "")]
)
def test_a_macro_is_a_name_with_a_value(macro: tuple[str, str]) -> None:
    assert MACROS.parse(PLACE, [macro]) == (macro,)
    assert MACROS.parse(PLACE, [list(macro)]) == (macro,)


def test_macros_without_a_value_in_a_file_and_in_python() -> None:
    assert MACROS.parse(PLACE, [["A"]]) == (("A", None),)
    assert MACROS.parse(PLACE, [("A", None)]) == (("A", None),)


@pytest.mark.parametrize(
    "value",
    ["A", 3, True, None, {}, {"A": "1"}, ["A"], [[]], [["A", "1", "2"]], [["A", 1]], [[1]], [{}]],
)
def test_macros_in_a_file_are_lists_of_one_or_two_strings(value: object) -> None:
    assert "[name, value]" in refused(MACROS, value)


@pytest.mark.parametrize(
    "value", ["A", {"A": None}, [("A",)], [("A", 1)], [("A", "1", "2")], [(None, None)]]
)
def test_macros_in_python_are_pairs(value: object) -> None:
    assert "(name, value)" in refused(MACROS, value)


@pytest.mark.parametrize("name", ["", "1A", "A B", "A=1", "-DA", "A\n", "ä", "F(", "F(x", "A.b"])
def test_a_macro_has_a_name(name: str) -> None:
    assert refused(MACROS, [[name]]) == f"here: {name!r} is not a macro name"


# --- arguments of each language -----------------------------------------------------------------


def test_a_list_of_arguments_is_for_every_language() -> None:
    words = ("-g", "-Wall")
    assert PER_LANGUAGE.parse(PLACE, list(words)) == LanguageArguments(
        c=words, cxx=words, cuda=words, hip=words, asm=words
    )


def test_a_table_of_arguments_contains_a_list_for_each_language() -> None:
    table = {"cxx": ["-Wcxx"], "hip": ["-a", "-b"]}
    assert PER_LANGUAGE.parse(PLACE, table) == LanguageArguments(cxx=("-Wcxx",), hip=("-a", "-b"))


@pytest.mark.parametrize("language", ["c++", "CXX", "", "cu", "s", "größe"])
def test_a_language_is_one_of_five(language: str) -> None:
    message = refused(PER_LANGUAGE, {language: []})
    assert repr(language) in message
    assert "'c', 'cxx', 'cuda', 'hip', 'asm'" in message


@pytest.mark.parametrize("value", ["-g", 3, True, 1.5])
def test_arguments_that_are_neither_a_list_nor_a_table_are_refused(value: object) -> None:
    assert refused(PER_LANGUAGE, value) == (f"here is {value!r}, expected a list of strings")


def test_errors_in_the_arguments_of_one_language_contain_its_key() -> None:
    assert refused(PER_LANGUAGE, {"cxx": "-g"}) == "here.cxx is '-g', expected a list of strings"
    assert refused(PER_LANGUAGE, {"c": [], "cuda": [3]}) == (
        "here.cuda contains 3, expected a string or a path"
    )


# --- names --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["pkg.lib", "a.b.c.lib", "pkg.my-lib+2", "größe.x", "_p._x"])
def test_a_name_is_a_package_and_a_target(name: str) -> None:
    assert EXTENSION_NAME.parse(PLACE, name) == name


@pytest.mark.parametrize("name", ["", ".", "x", ".x", "a..x", "a-b.x", "class.x", "1.x", "a/b.x"])
def test_a_name_without_a_package_is_refused(name: str) -> None:
    assert f"{name.rpartition('.')[0]!r} is not a package name" in refused(EXTENSION_NAME, name)


@pytest.mark.parametrize("target", ["", "-x", "a b", "ä", "a\n", "a/b", "*"])
def test_a_target_must_be_a_valid_file_name(target: str) -> None:
    assert refused(EXTENSION_NAME, f"pkg.{target}").startswith(
        f"here: target {target!r} is not a valid file name part"
    )


def test_the_target_of_apache_tvm_ffi_is_refused() -> None:
    assert "apache-tvm-ffi" in refused(EXTENSION_NAME, "pkg.tvm_ffi")


@pytest.mark.parametrize("value", [3, True, None, ["pkg", "x"], {"package": "x"}])
def test_a_name_must_be_a_string(value: object) -> None:
    assert refused(EXTENSION_NAME, value) == f"here is {value!r}, expected a string"


@pytest.mark.parametrize("prefix", ["pkg", "pkg.ops", "pkg.", "_a._b1"])
def test_a_prefix_is_dotted_names(prefix: str) -> None:
    assert REGISTRY_PREFIX.parse(PLACE, prefix) == prefix


@pytest.mark.parametrize("prefix", ["", ".", ".a", "a..b", "a-b", "1a", "a b", "ä", "a\n", 3, []])
def test_an_invalid_prefix_is_refused(prefix: object) -> None:
    assert refused(REGISTRY_PREFIX, prefix) == (
        f"here is {prefix!r}, expected dotted names such as 'my_package.ops'"
    )


def test_python_can_declare_no_prefix() -> None:
    assert REGISTRY_PREFIX.parse(PLACE, None) is None


@pytest.mark.parametrize(
    "tag",
    [
        *("default", "auto", "manylinux_2_28", "manylinux_2_28_x86_64", "manylinux2014"),
        *("manylinux1_i686", "musllinux_1_2", "musllinux_1_2_aarch64", "macosx_11_0"),
        *("macosx_10_13_universal2", "win32", "win_amd64"),
    ],
)
def test_a_platform_tag_may_omit_the_architecture(tag: str) -> None:
    assert PLATFORM_TAG.parse(PLACE, tag) == tag
    assert re.search(PLATFORM_TAG.schema["pattern"], tag)


@pytest.mark.parametrize(
    "tag",
    [
        *(
            "",
            "Auto",
            "any",
            "linux",
            "linux_x86_64",
            "manylinux",
            "manylinux_2",
            "manylinux_2_28_",
        ),
        *("manylinux_2_28_1", "manylinux_2_28.manylinux_2_31", "macosx_11", "windows", "win_"),
    ],
)
def test_an_invalid_platform_tag_is_refused(tag: str) -> None:
    assert f"is {tag!r}, expected 'default', 'auto' or" in refused(PLATFORM_TAG, tag)
    assert not re.search(PLATFORM_TAG.schema["pattern"], tag)


@pytest.mark.parametrize(("compiler", "language"), [("nvcc", "cuda"), ("hipcc", "hip")])
def test_the_language_of_a_compiler_is_suggested(compiler: str, language: str) -> None:
    """``torch.utils.cpp_extension`` names the compiler."""
    with pytest.raises(ConfigurationError) as raised:
        PER_LANGUAGE.parse("key", {compiler: ["-O3"]})
    assert repr(language) in str(raised.value.hint)
