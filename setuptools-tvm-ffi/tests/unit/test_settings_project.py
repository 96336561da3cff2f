# SPDX-License-Identifier: Apache-2.0
"""The origins of settings and their precedence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from setuptools_tvm_ffi.base.errors import DEBUG_VARIABLE, ConfigurationError
from setuptools_tvm_ffi.settings import Project, ProjectSettings, read_project
from setuptools_tvm_ffi.settings.declaration import key_of
from setuptools_tvm_ffi.settings.model import settings_of
from setuptools_tvm_ffi.settings.project import CUDA_ARCHITECTURES_VARIABLE, extension_lines

TABLE = "[tool.setuptools-tvm-ffi]\n"
FIELDS = [setting.field for setting in settings_of(ProjectSettings)]


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for field in FIELDS:
        monkeypatch.delenv(variable(field), raising=False)
    monkeypatch.delenv(CUDA_ARCHITECTURES_VARIABLE, raising=False)


def variable(field: str) -> str:
    return f"SETUPTOOLS_TVM_FFI_{field.upper()}"


def read(
    folder: Path,
    text: str = "",
    *,
    frontend: Any = None,
    environment: dict[str, str] | None = None,
) -> Project:
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")
    return read_project(folder, config_settings=frontend, environment=environment or {})


def refused(folder: Path, text: str = "", **above: Any) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        read(folder, text, **above)
    return caught.value


# --- pyproject.toml -----------------------------------------------------------------------------


def test_pyproject_toml_is_optional(tmp_path: Path) -> None:
    assert read_project(tmp_path) == Project(ProjectSettings(), {}, dynamic_dependencies=True)


@pytest.mark.parametrize("text", ["", "[tool.other]\nx = 1\n", TABLE])
def test_settings_are_optional(tmp_path: Path, text: str) -> None:
    project = read(tmp_path, text)
    assert project.settings == ProjectSettings(abi_floor=None)
    assert project.origins == {}


def test_the_floor_is_read(tmp_path: Path) -> None:
    text = f'{TABLE}abi-floor = "0.1.9"\n'
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
def test_dependencies_are_dynamic_if_declared_or_without_a_project_table(
    tmp_path: Path, project: str, *, dynamic: bool
) -> None:
    assert read(tmp_path, project).dynamic_dependencies is dynamic


@pytest.mark.parametrize("key", ["abi_floor", "abi-flor", "abifloor", "abi.floor"])
def test_an_unknown_key_is_refused_with_a_suggestion(tmp_path: Path, key: str) -> None:
    error = refused(tmp_path, f'{TABLE}"{key}" = "0.1.9"\n')
    assert error.message == (
        f"pyproject.toml: tool.setuptools-tvm-ffi.{key}: unknown key, did you mean 'abi-floor'?"
    )
    assert (
        error.hint
        == f"known keys: {', '.join(map(key_of, FIELDS))}, generate, vendored, ext-modules, "
        "overrides"
    )


def test_an_unknown_key_without_a_similar_key_is_refused(tmp_path: Path) -> None:
    error = refused(tmp_path, f"{TABLE}verbosity = 4\n")
    assert error.message == "pyproject.toml: tool.setuptools-tvm-ffi.verbosity: unknown key"


@pytest.mark.parametrize("value", ["0.1", "1", "true", '["0.1.9"]', "{}"])
def test_a_value_of_the_wrong_type_is_refused_by_key(tmp_path: Path, value: str) -> None:
    message = refused(tmp_path, f"{TABLE}abi-floor = {value}\n").message
    assert message.startswith("pyproject.toml: tool.setuptools-tvm-ffi.abi-floor ")
    assert "expected a string" in message


@pytest.mark.parametrize(
    "text",
    ['[tool]\nsetuptools-tvm-ffi = "0.1.9"\n', "[[tool.setuptools-tvm-ffi]]\nabi-floor = '0.1'\n"],
)
def test_the_settings_must_be_a_table(tmp_path: Path, text: str) -> None:
    assert "tool.setuptools-tvm-ffi must be a table" in refused(tmp_path, text).message


def test_invalid_toml_is_refused_with_the_line(tmp_path: Path) -> None:
    message = refused(tmp_path, "[project]\nname = \n").message
    assert message.startswith("pyproject.toml: ")
    assert "line 2" in message


def test_invalid_utf8_is_refused_with_the_byte(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_bytes(b"# gr\xf6\xdfe\n")
    with pytest.raises(ConfigurationError) as caught:
        read_project(tmp_path, environment={})
    assert "UTF-8 (byte 4)" in caught.value.message


def test_libraries_are_read_with_their_place(tmp_path: Path) -> None:
    table = "[[tool.setuptools-tvm-ffi.ext-modules]]\n"
    text = f'{table}name = "p.a"\nsources = ["a.c"]\n{table}name = "p.b"\nsorces = []\n'
    assert refused(tmp_path, text).message == (
        "pyproject.toml: tool.setuptools-tvm-ffi.ext-modules[1].sorces: unknown key, did you mean "
        "'sources'?"
    )


# --- values from each origin --------------------------------------------------------------------

#: Two values of every setting. Each has its text, its TOML, and the parsed value.
VALUES: dict[str, list[tuple[str, str, Any]]] = {
    "build_type": [
        ("debug", '"debug"', "debug"),
        ("thread-sanitizer", '"thread-sanitizer"', "thread-sanitizer"),
    ],
    "jobs": [("3", "3", 3), (" 12 ", "12", 12)],
    "build_dir": [("/tmp/b", '"/tmp/b"', "/tmp/b"), ("../out", '"../out"', "../out")],
    "compiler_launcher": [
        ("ccache", '"ccache"', "ccache"),
        ("/opt/my tools/distcc -v", '"/opt/my tools/distcc -v"', "/opt/my tools/distcc -v"),
    ],
    "strip": [("true", "true", True), ("off", "false", False)],
    "lto": [("1", "true", True), ("0", "false", False)],
    "warnings_as_errors": [("on", "true", True), ("no", "false", False)],
    "cuda_architectures": [
        ("9.0a;10.0+PTX", '["9.0a", "10.0+PTX"]', ("9.0a", "10.0+PTX")),
        ("7.5 8.0", '["7.5", "8.0"]', ("7.5", "8.0")),
    ],
    "hip_architectures": [
        ("gfx942;gfx90a:xnack-", '["gfx942", "gfx90a:xnack-"]', ("gfx942", "gfx90a:xnack-")),
        ("gfx1100", '["gfx1100"]', ("gfx1100",)),
    ],
    "target": [
        ("aarch64-macos.11.0", '"aarch64-macos.11.0"', "aarch64-macos.11.0"),
        ("x86_64-linux-musl", '"x86_64-linux-musl"', "x86_64-linux-musl"),
    ],
    "abi_floor": [("0.1.9", '"0.1.9"', "0.1.9"), ("0.1.11", '"0.1.11"', "0.1.11")],
    "platform_tag": [
        ("auto", '"auto"', "auto"),
        ("musllinux_1_2_aarch64", '"musllinux_1_2_aarch64"', "musllinux_1_2_aarch64"),
    ],
    "editable_rebuild": [("yes", "true", True), ("False", "false", False)],
    "stubs": [("check", '"check"', "check"), ("strict", '"strict"', "strict")],
    "py_typed": [("off", "false", False), ("yes", "true", True)],
    "sbom": [("no", "false", False), ("1", "true", True)],
}


def test_every_project_setting_has_values() -> None:
    assert list(VALUES) == FIELDS


@pytest.mark.parametrize("field", FIELDS)
def test_a_setting_may_come_from_pyproject(field: str, tmp_path: Path) -> None:
    for _, toml, value in VALUES[field]:
        project = read(tmp_path, f"{TABLE}{key_of(field)} = {toml}\n")
        assert project.settings == ProjectSettings(**{field: value})
        assert project.origins == {field: "pyproject.toml"}
        assert project.place(field) == f"pyproject.toml: tool.setuptools-tvm-ffi.{key_of(field)}"
        assert not project.is_overridden(field)


@pytest.mark.parametrize("field", FIELDS)
def test_a_setting_may_come_from_the_environment(field: str, tmp_path: Path) -> None:
    for text, _, value in VALUES[field]:
        project = read(tmp_path, environment={variable(field): text, "PATH": "/bin"})
        assert project.settings == ProjectSettings(**{field: value})
        assert project.origins == {field: variable(field)}
        assert project.place(field) == variable(field)
        assert project.is_overridden(field)


@pytest.mark.parametrize("field", FIELDS)
def test_a_setting_may_come_from_the_frontend(field: str, tmp_path: Path) -> None:
    for text, _, value in VALUES[field]:
        project = read(tmp_path, frontend={key_of(field): text})
        assert project.settings == ProjectSettings(**{field: value})
        assert project.origins == {field: f"--config-settings {key_of(field)}"}
        assert project.place(field) == f"--config-settings {key_of(field)}"
        assert project.is_overridden(field)


@pytest.mark.parametrize("field", FIELDS)
def test_the_frontend_overrides_the_environment_which_overrides_pyproject(
    field: str, tmp_path: Path
) -> None:
    (first, toml, in_file), (second, _, elsewhere) = VALUES[field]
    text = f"{TABLE}{key_of(field)} = {toml}\n"
    project = read(tmp_path, text, environment={variable(field): second})
    assert getattr(project.settings, field) == elsewhere
    assert project.origins == {field: variable(field)}
    project = read(
        tmp_path, text, environment={variable(field): second}, frontend={key_of(field): first}
    )
    assert getattr(project.settings, field) == in_file
    assert project.origins == {field: f"--config-settings {key_of(field)}"}


def test_each_setting_has_its_own_origin(tmp_path: Path) -> None:
    project = read(
        tmp_path,
        f'{TABLE}build-type = "debug"\njobs = 2\nlto = true\n',
        environment={variable("jobs"): "3", variable("strip"): "true"},
        frontend={"build-type": "release"},
    )
    assert project.settings == ProjectSettings(build_type="release", jobs=3, lto=True, strip=True)
    assert project.origins == {
        "build_type": "--config-settings build-type",
        "jobs": "SETUPTOOLS_TVM_FFI_JOBS",
        "lto": "pyproject.toml",
        "strip": "SETUPTOOLS_TVM_FFI_STRIP",
    }


def test_libraries_are_declared_only_in_pyproject(tmp_path: Path) -> None:
    error = refused(tmp_path, frontend={"ext-modules": "[]"})
    assert error.message.startswith("--config-settings ext-modules: unknown key")
    error = refused(tmp_path, environment={"SETUPTOOLS_TVM_FFI_EXT_MODULES": "[]"})
    assert error.message.startswith("SETUPTOOLS_TVM_FFI_EXT_MODULES: unknown variable")


# --- architectures in PyTorch's notation --------------------------------------------------------


def test_the_notation_of_pytorch_is_read_from_the_variable_of_apache_tvm_ffi(
    tmp_path: Path,
) -> None:
    environment = {"TVM_FFI_CUDA_ARCH_LIST": "9.0a;10.0+PTX 8.6"}
    project = read(tmp_path, f'{TABLE}cuda-architectures = ["7.5"]\n', environment=environment)
    assert project.settings.cuda_architectures == ("9.0a", "10.0+PTX", "8.6")
    assert project.origins == {"cuda_architectures": "TVM_FFI_CUDA_ARCH_LIST"}
    assert project.is_overridden("cuda_architectures")


@pytest.mark.parametrize("frontend", [None, {"cuda-architectures": "12.0"}])
@pytest.mark.parametrize("own_first", [True, False])
def test_the_plugins_variable_overrides_that_of_apache_tvm_ffi(
    frontend: dict[str, str] | None, tmp_path: Path, *, own_first: bool
) -> None:
    variables = {
        "SETUPTOOLS_TVM_FFI_CUDA_ARCHITECTURES": "8.0",
        "TVM_FFI_CUDA_ARCH_LIST": "9.0",
    }
    if not own_first:
        variables = dict(reversed(variables.items()))
    project = read(tmp_path, environment=variables, frontend=frontend)
    if frontend is None:
        assert project.settings.cuda_architectures == ("8.0",)
        assert project.place("cuda_architectures") == "SETUPTOOLS_TVM_FFI_CUDA_ARCHITECTURES"
    else:
        assert project.settings.cuda_architectures == ("12.0",)
        assert project.place("cuda_architectures") == "--config-settings cuda-architectures"


def test_invalid_architectures_are_refused_with_the_variable(tmp_path: Path) -> None:
    error = refused(tmp_path, environment={"TVM_FFI_CUDA_ARCH_LIST": "9.0;Hoper"})
    assert error.message.startswith(
        "TVM_FFI_CUDA_ARCH_LIST contains 'Hoper', expected architectures such as `9.0a`, "
    )


@pytest.mark.parametrize(
    ("variables", "field", "value", "place"),
    [
        (
            {"TORCH_CUDA_ARCH_LIST": "8.0 9.0a+PTX;Hopper"},
            *("cuda_architectures", ("8.0", "9.0a+PTX", "Hopper"), "TORCH_CUDA_ARCH_LIST"),
        ),
        (
            {"TORCH_CUDA_ARCH_LIST": "8.0", "TVM_FFI_CUDA_ARCH_LIST": "9.0"},
            *("cuda_architectures", ("9.0",), "TVM_FFI_CUDA_ARCH_LIST"),
        ),
        ({"MAX_JOBS": "3"}, "jobs", 3, "MAX_JOBS"),
        ({"CMAKE_BUILD_PARALLEL_LEVEL": "5"}, "jobs", 5, "CMAKE_BUILD_PARALLEL_LEVEL"),
        ({"CMAKE_BUILD_PARALLEL_LEVEL": "5", "MAX_JOBS": "3"}, "jobs", 3, "MAX_JOBS"),
        (
            {"SETUPTOOLS_TVM_FFI_JOBS": "2", "MAX_JOBS": "many"},
            *("jobs", 2, "SETUPTOOLS_TVM_FFI_JOBS"),
        ),
        ({"MAX_JOBS": ""}, "jobs", None, "pyproject.toml: tool.setuptools-tvm-ffi.jobs"),
    ],
)
def test_variables_of_other_tools_provide_defaults(
    variables: dict[str, str], field: str, value: object, place: str, tmp_path: Path
) -> None:
    project = read(tmp_path, environment=variables)
    assert getattr(project.settings, field) == value
    assert project.place(field) == place


def test_a_project_without_cuda_ignores_architectures_of_pytorch(tmp_path: Path) -> None:
    project = read(tmp_path, environment={"TORCH_CUDA_ARCH_LIST": "sm_90;; Kepler;"})
    assert project.settings.cuda_architectures == ("sm_90", "Kepler")  # for nvcc to reject


def test_pyproject_has_precedence_over_variables_of_other_tools(tmp_path: Path) -> None:
    variables = {"TORCH_CUDA_ARCH_LIST": "8.0", "MAX_JOBS": "many"}
    text = f'{TABLE}cuda-architectures = ["9.0a"]\njobs = 4\n'
    project = read(tmp_path, text, environment=variables)
    assert (project.settings.cuda_architectures, project.settings.jobs) == (("9.0a",), 4)
    # An extension may declare other architectures.
    assert not read(tmp_path, environment=variables | {"MAX_JOBS": "4"}).is_overridden(
        "cuda_architectures"
    )


@pytest.mark.parametrize("variable", ["MAX_JOBS", "CMAKE_BUILD_PARALLEL_LEVEL"])
def test_an_invalid_variable_of_another_tool_is_refused_by_name(
    variable: str, tmp_path: Path
) -> None:
    assert refused(tmp_path, environment={variable: "many"}).message.startswith(
        f"{variable} is 'many', expected a whole number"
    )


# --- mistakes -----------------------------------------------------------------------------------

#: An invalid text for every setting, and the expected error.
WRONG_TEXT = {
    "build_type": ("Debug", "is 'Debug', expected one of 'release', 'debug', "),
    "jobs": ("many", "is 'many', expected a whole number"),
    "build_dir": (" ", "is empty"),
    "compiler_launcher": ("  ", "is empty"),
    "strip": ("maybe", "is 'maybe', expected true or false"),
    "lto": ("thin", "is 'thin', expected true or false"),
    "warnings_as_errors": ("-1", "is '-1', expected true or false"),
    "cuda_architectures": ("9.0,10.0", "contains '9.0,10.0', expected architectures such as "),
    "hip_architectures": ("MI300", "contains 'MI300', expected targets such as "),
    "target": (" ", "is empty"),
    "abi_floor": (" ", "is empty"),
    "platform_tag": ("best", "is 'best', expected 'default', 'auto' or a platform tag such as "),
    "editable_rebuild": ("always", "is 'always', expected true or false"),
    "stubs": ("none", "is 'none', expected one of 'warn', 'check', 'strict'"),
    "py_typed": ("partial", "is 'partial', expected true or false"),
    "sbom": ("spdx", "is 'spdx', expected true or false"),
}


@pytest.mark.parametrize("field", FIELDS)
def test_a_wrong_value_is_refused_with_the_variable_or_option(field: str, tmp_path: Path) -> None:
    text, said = WRONG_TEXT[field]  # every key needs a case here
    message = refused(tmp_path, environment={variable(field): text}).message
    assert message.startswith(f"{variable(field)} {said}")
    message = refused(tmp_path, frontend={key_of(field): text}).message
    assert message.startswith(f"--config-settings {key_of(field)} {said}")


@pytest.mark.parametrize("jobs", ["0", "-1", "4097", "99999999999999999999"])
def test_a_number_out_of_range_is_refused(jobs: str, tmp_path: Path) -> None:
    message = refused(tmp_path, frontend={"jobs": jobs}).message
    assert message == f"--config-settings jobs is {jobs}, expected a whole number from 1 to 4096"


def test_overridden_values_are_validated(tmp_path: Path) -> None:
    error = refused(tmp_path, f"{TABLE}jobs = 0\n", frontend={"jobs": "4"})
    assert error.message.startswith("pyproject.toml: tool.setuptools-tvm-ffi.jobs is 0")
    error = refused(tmp_path, environment={variable("jobs"): "0"}, frontend={"jobs": "4"})
    assert error.message.startswith("SETUPTOOLS_TVM_FFI_JOBS is 0")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("SETUPTOOLS_TVM_FFI_BUILDTYPE", "SETUPTOOLS_TVM_FFI_BUILD_TYPE"),
        ("SETUPTOOLS_TVM_FFI_JOB", "SETUPTOOLS_TVM_FFI_JOBS"),
        ("SETUPTOOLS_TVM_FFI_ABI-FLOOR", "SETUPTOOLS_TVM_FFI_ABI_FLOOR"),
    ],
)
def test_an_unknown_variable_is_refused_with_a_suggestion(
    name: str, meant: str, tmp_path: Path
) -> None:
    error = refused(tmp_path, environment={name: "3"})
    assert error.message == f"{name}: unknown variable, did you mean {meant!r}?"
    assert error.hint == f"known variables: {', '.join(map(variable, FIELDS))}, {DEBUG_VARIABLE}"


@pytest.mark.parametrize(
    "environment",
    [
        {DEBUG_VARIABLE: "1"},
        {"SETUPTOOLS_TVM_FFI": "1"},
        {"SETUPTOOLS_SCM_PRETEND_VERSION": "1"},
        {"TVM_FFI_CACHE_DIR": "/tmp"},
    ],
)
def test_other_variables_are_ignored(environment: dict[str, str], tmp_path: Path) -> None:
    assert read(tmp_path, environment=environment) == read(tmp_path)


@pytest.mark.parametrize("name", [*map(variable, FIELDS), CUDA_ARCHITECTURES_VARIABLE])
def test_an_empty_variable_is_ignored(name: str, tmp_path: Path) -> None:
    assert read(tmp_path, environment={name: ""}) == read(tmp_path)


def test_the_default_environment_is_that_of_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SETUPTOOLS_TVM_FFI_JOBS", "7")
    assert read_project(tmp_path).settings.jobs == 7
    assert read_project(tmp_path, environment={}).settings.jobs is None


@pytest.mark.parametrize(
    ("key", "meant"),
    [("build_type", "build-type"), ("buildtype", "build-type"), ("job", "jobs"), ("Lto", "lto")],
)
def test_an_unknown_key_of_the_frontend_is_refused_with_a_suggestion(
    key: str, meant: str, tmp_path: Path
) -> None:
    error = refused(tmp_path, frontend={key: "1"})
    assert error.message == f"--config-settings {key}: unknown key, did you mean {meant!r}?"
    assert error.hint is not None
    assert error.hint.startswith(f"known keys: {', '.join(map(key_of, FIELDS))}, --build-option")


def test_an_unknown_key_of_the_frontend_without_a_similar_key_is_refused(tmp_path: Path) -> None:
    error = refused(tmp_path, frontend={"cmake.args": "-G Ninja"})
    assert error.message == "--config-settings cmake.args: unknown key"


@pytest.mark.parametrize(
    "frontend",
    [
        {"--build-option": "--plat-name=linux_x86_64"},
        {"--build-option": ["--plat-name", "linux_x86_64"]},
        {"--global-option": ["--verbose"]},
        {"--quiet": ""},
        {"quiet": "1"},
        {"--verbose": None},
        {"verbose": "1"},
        {"editable_mode": "strict"},
        {"editable-mode": "compat"},
    ],
)
def test_config_settings_of_setuptools_are_accepted(frontend: Any, tmp_path: Path) -> None:
    assert read(tmp_path, frontend=frontend) == read(tmp_path)
    both = read(tmp_path, frontend={**frontend, "jobs": "2"})
    assert both.settings == ProjectSettings(jobs=2)


@pytest.mark.parametrize("frontend", [None, {}])
def test_config_settings_are_optional(frontend: Any, tmp_path: Path) -> None:
    assert read(tmp_path, frontend=frontend).settings == ProjectSettings()


@pytest.mark.parametrize(
    ("key", "values"),
    [("jobs", ["2", "3"]), ("build-type", ["debug", "debug"]), ("strip", ["true", "false"])],
)
def test_a_repeated_key_is_refused(key: str, values: list[str], tmp_path: Path) -> None:
    error = refused(tmp_path, frontend={key: values})
    assert error.message == f"--config-settings {key} is specified more than once"
    assert error.hint == f"write -C {key}=value once"


@pytest.mark.parametrize(
    "values", [["9.0a", "10.0+PTX"], ["9.0a;10.0+PTX"], ["9.0a 10.0+PTX"], "9.0a;10.0+PTX"]
)
def test_a_repeated_key_of_a_list_adds_items(values: object, tmp_path: Path) -> None:
    project = read(tmp_path, frontend={"cuda-architectures": values})
    assert project.settings.cuda_architectures == ("9.0a", "10.0+PTX")
    assert project.origins == {"cuda_architectures": "--config-settings cuda-architectures"}


def test_every_item_of_a_repeated_key_is_checked(tmp_path: Path) -> None:
    error = refused(tmp_path, frontend={"cuda-architectures": ["9.0", "sm_90"]})
    assert error.message.startswith("--config-settings cuda-architectures contains 'sm_90'")


@pytest.mark.parametrize("value", [["2"], 2, [2]])
def test_a_single_value_may_be_a_list_or_a_json_value(value: object, tmp_path: Path) -> None:
    assert read(tmp_path, frontend={"jobs": value}).settings.jobs == 2


@pytest.mark.parametrize("value", [True, False])
def test_a_flag_may_be_a_json_value(value: bool, tmp_path: Path) -> None:  # noqa: FBT001
    assert read(tmp_path, frontend={"py-typed": value}).settings.py_typed is value


@pytest.mark.parametrize("value", ["", None, [], [""], ["9.0", ""]])
@pytest.mark.parametrize("key", ["build-type", "cuda-architectures"])
def test_a_key_without_a_value_is_refused(key: str, value: object, tmp_path: Path) -> None:
    error = refused(tmp_path, frontend={key: value})
    assert error.message == f"--config-settings {key} is empty"
    assert error.hint == f"write -C {key}=value"


# --- printed settings ---------------------------------------------------------------------------


def test_only_settings_that_someone_has_set_have_lines(tmp_path: Path) -> None:
    assert list(read(tmp_path, TABLE).lines()) == []
    assert list(read(tmp_path, f"{TABLE}lto = false\nsbom = true\n").lines()) == []
    project = read(tmp_path, f"{TABLE}lto = true\n", frontend={"lto": "false"})
    assert list(project.lines()) == ["lto = false (--config-settings lto)"]


def test_the_line_of_a_setting_has_its_value_and_origin(tmp_path: Path) -> None:
    project = read(
        tmp_path,
        f'{TABLE}abi-floor = "0.1.9"\nsbom = false\n',
        environment={
            "SETUPTOOLS_TVM_FFI_STRIP": "1",
            "TVM_FFI_CUDA_ARCH_LIST": "9.0a 10.0+PTX",
        },
        frontend={"build-type": "debug", "jobs": "4"},
    )
    assert list(project.lines()) == [
        'build-type = "debug" (--config-settings build-type)',
        "jobs = 4 (--config-settings jobs)",
        "strip = true (SETUPTOOLS_TVM_FFI_STRIP)",
        'cuda-architectures = ["9.0a", "10.0+PTX"] (TVM_FFI_CUDA_ARCH_LIST)',
        'abi-floor = "0.1.9" (pyproject.toml)',
        "sbom = false (pyproject.toml)",
    ]


def test_lines_are_valid_toml(tmp_path: Path) -> None:
    declared = "".join(f"{key_of(field)} = {VALUES[field][0][1]}\n" for field in FIELDS)
    project = read(tmp_path, TABLE + declared)
    lines = "".join(line.removesuffix(" (pyproject.toml)") + "\n" for line in project.lines())
    assert read(tmp_path, TABLE + lines) == project


@pytest.mark.parametrize(
    ("text", "environment", "rebuilds"),
    [
        (TABLE, {}, False),
        (TABLE, {"UV": ""}, False),
        (TABLE, {"UV": "/bin/uv"}, True),
        (f"{TABLE}editable-rebuild = false\n", {"UV": "/bin/uv"}, False),
        (f"{TABLE}editable-rebuild = true\n", {}, True),
        (TABLE, {"UV": "/bin/uv", "SETUPTOOLS_TVM_FFI_EDITABLE_REBUILD": "0"}, False),
        ('[tool.uv]\ncache-keys = [{ file = "csrc/**" }]\n', {"UV": "/bin/uv"}, False),
    ],
)
def test_uv_needs_rebuilds_on_import_unless_the_project_decides_otherwise(
    tmp_path: Path, text: str, environment: dict[str, str], rebuilds: object
) -> None:
    project = read(tmp_path, text, environment=environment)
    assert project.rebuilds_on_import(environment) is rebuilds


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[tool.setuptools-tvmffi]\n", "tool.setuptools-tvmffi: unknown table"),
        ("[tool.setuptools_tvm_ffi]\n", "tool.setuptools_tvm_ffi: unknown table"),
        ("[tool.Setuptools-TVM-FFI]\n", "tool.Setuptools-TVM-FFI: unknown table"),
        ("[[tool.setuptool-tvm-ffi.ext-modules]]\n", "tool.setuptool-tvm-ffi: unknown table"),
        ("[[setuptools-tvm-ffi.ext-modules]]\n", "setuptools-tvm-ffi: unknown table"),
    ],
)
def test_a_misspelled_table_is_refused(tmp_path: Path, text: str, message: str) -> None:
    said = refused(tmp_path, text).message
    assert said.startswith(f"pyproject.toml: {message}")
    assert "did you mean 'tool.setuptools-tvm-ffi'?" in said


@pytest.mark.parametrize("name", ["setuptools", "setuptools-scm", "setuptools_rust", "tvm-ffi"])
def test_tables_of_other_tools_are_ignored(tmp_path: Path, name: str) -> None:
    assert read(tmp_path, f"[tool.{name}]\nx = 1\n").settings == ProjectSettings()


def test_settings_of_an_extension_have_lines(tmp_path: Path) -> None:
    text = (
        "[[tool.setuptools-tvm-ffi.ext-modules]]\n"
        'name = "p.q"\nsources = ["a.cc"]\ncxx-std = 20\nstubs = "init"\n'
        'define-macros = [["A"], ["B", "1"]]\nextra-compile-args = { cxx = ["-Wall"] }\n'
    )
    (extension,) = read(tmp_path, text).settings.ext_modules
    assert list(extension_lines(extension)) == [
        'p.q: sources = ["a.cc"] (pyproject.toml)',
        'p.q: define-macros = [["A"], ["B", "1"]] (pyproject.toml)',
        'p.q: extra-compile-args = { cxx = ["-Wall"] } (pyproject.toml)',
        'p.q: cxx-std = "20" (pyproject.toml)',
    ]


def test_commands_and_vendored_components_have_lines(tmp_path: Path) -> None:
    text = (
        "[[tool.setuptools-tvm-ffi.generate]]\n"
        'command = ["gen"]\noutputs = ["a.cc", "b.h"]\n'
        '[[tool.setuptools-tvm-ffi.vendored]]\nname = "zlib"\nversion = "1.3"\n'
    )
    assert list(read(tmp_path, text).lines()) == [
        'generate[0] = { command = ["gen"], outputs = ["a.cc", "b.h"] } (pyproject.toml)',
        'vendored[0] = { name = "zlib", version = "1.3" } (pyproject.toml)',
    ]


@pytest.mark.parametrize(
    ("variable", "meant"),
    [("jobs", "JOBS"), ("BUILDTYPE", "BUILD_TYPE"), ("EDITABLE", "EDITABLE_REBUILD")],
)
def test_suggestions_ignore_the_common_prefix_of_variables(
    tmp_path: Path, variable: str, meant: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(tmp_path, "", environment={f"SETUPTOOLS_TVM_FFI_{variable}": "1"})
    assert f"did you mean 'SETUPTOOLS_TVM_FFI_{meant}'?" in caught.value.message
