# SPDX-License-Identifier: Apache-2.0
"""The child process of `compat` loads a library and calls it, with the installed release."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import tvm_ffi.libinfo
from environments import REPOSITORY
from packaging.version import Version
from setuptools_tvm_ffi.compat import probe
from setuptools_tvm_ffi.compat.processes import Ended
from setuptools_tvm_ffi.compat.result import Outcome, Result
from setuptools_tvm_ffi.compat.trial import PROBE, SCHEMA_MODULE, probe_result

SOURCE = REPOSITORY / "setuptools-tvm-ffi" / "tests" / "sources" / "probed.c"
RELEASE = Version("0.1.9")
TROUBLE = ("refusing", "crashing", "ending")

LOADS = """\
from pathlib import Path
import tvm_ffi
LIB = tvm_ffi.load_module(str(Path(__file__).with_name("libprobed.so")))
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("probed") / "libprobed.so"
    includes = [tvm_ffi.libinfo.find_include_path(), tvm_ffi.libinfo.find_dlpack_include_path()]
    folder = Path(tvm_ffi.libinfo.find_libtvm_ffi()).parent
    command = ["cc", "-shared", "-fPIC", *(f"-I{include}" for include in includes)]
    command += ["-o", str(path), str(SOURCE), f"-L{folder}", "-ltvm_ffi"]
    subprocess.run(command, check=True, capture_output=True)
    return path


@dataclass(frozen=True)
class Probed:
    """A package with the library, in a folder like an unpacked wheel."""

    site: Path

    def probe(self, skipped: Sequence[str] = (), module: str = LOADS) -> Result:
        (self.site / "probed" / "__init__.py").write_text(module)
        steps = self.site / "steps.jsonl"
        steps.unlink(missing_ok=True)
        request = {
            "packages": ["probed"],
            "libraries": ["probed/libprobed.so"],
            "skipped": list(skipped),
            "schema_module": str(SCHEMA_MODULE),
        }
        process = subprocess.run(
            [sys.executable, "-B", str(PROBE), str(steps), json.dumps(request)],
            env={
                **os.environ,
                "PYTHONPATH": str(self.site),
                "PROBED_CALLS": str(self.site / "calls"),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        lines: list[Any] = [json.loads(line) for line in steps.read_text().splitlines()]
        return probe_result(RELEASE, Ended(process.returncode, process.stdout), lines, 60)

    @property
    def calls(self) -> list[str]:
        try:
            return sorted((self.site / "calls").read_text().split())
        except FileNotFoundError:
            return []


@pytest.fixture
def probed(library: Path, tmp_path: Path) -> Probed:
    (tmp_path / "probed").mkdir()
    shutil.copy(library, tmp_path / "probed")
    return Probed(tmp_path)


def test_only_functions_without_parameters_are_called(probed: Probed) -> None:
    result = probed.probe(skipped=TROUBLE)
    detail = "found 8 functions and 0 classes, called 2"
    assert result == Result(RELEASE, Outcome.PASSED, detail, called=2)
    assert probed.calls == ["ready", "ready_as_of_old"]


def test_skipped_functions_are_looked_up_but_not_called(probed: Probed) -> None:
    result = probed.probe(skipped=["*"])
    assert result.passed
    assert result.detail.endswith("called none")
    assert probed.calls == []


def test_an_exception_of_a_function_is_a_result(probed: Probed) -> None:
    result = probed.probe(skipped=["crash*", "ending"])
    assert result == Result(
        RELEASE, Outcome.PROBE_FAILED, "call refusing: ValueError: there is no device"
    )


def test_a_crash_is_a_result_that_names_the_function(probed: Probed) -> None:
    result = probed.probe(skipped=["refusing", "ending"])
    assert result == Result(RELEASE, Outcome.CRASHED, "call crashing", "SIGSEGV")
    assert result.label == "crashed (SIGSEGV)"


def test_a_function_that_exits_the_process_has_failed(probed: Probed) -> None:
    result = probed.probe(skipped=["refusing", "crashing"])
    assert result == Result(RELEASE, Outcome.PROBE_FAILED, "call ending: exit status 3: no output")


def test_a_failed_import_is_distinguished_from_a_failed_call(probed: Probed) -> None:
    result = probed.probe(module="raise RuntimeError('no driver\\nat all')")
    assert result == Result(
        RELEASE, Outcome.IMPORT_FAILED, "import probed: RuntimeError: no driver"
    )


@pytest.mark.parametrize(("code", "printed"), [(0, ""), (1, "gave up")])
def test_an_import_that_exits_the_process_has_failed(
    code: int, printed: str, probed: Probed
) -> None:
    module = f"import os, sys; sys.stderr.write({printed!r}); sys.stderr.flush(); os._exit({code})"
    result = probed.probe(module=module)
    assert result.outcome is Outcome.IMPORT_FAILED
    assert result.detail == f"import probed: exit status {code}: {printed or 'no output'}"


def test_sys_exit_is_a_failure(probed: Probed) -> None:
    result = probed.probe(module="raise SystemExit('please read the manual')")
    assert result.outcome is Outcome.IMPORT_FAILED
    assert result.detail == "import probed: SystemExit: please read the manual"


def takes_nothing(metadata: object) -> bool:
    return metadata == "nothing"


def method(name: str, metadata: str, *, static: bool = True) -> Any:
    return SimpleNamespace(name=name, metadata=metadata, is_static=static, func=lambda: name)


class Whole: ...


class Half:
    """Creates objects of another class, like subclasses up to 0.1.9."""

    def __new__(cls) -> Any:
        return Whole()


def calls(cls: Any, *methods: Any) -> dict[str, Any]:
    info = SimpleNamespace(type_cls=cls, methods=methods)
    found: dict[str, Any] = probe.class_calls({"pkg.Class": info}, takes_nothing)
    return found


def test_constructors_and_static_methods_without_parameters_are_called() -> None:
    found = calls(
        Whole,
        method("__ffi_init__", "nothing"),
        method("make", "nothing"),
        method("load", "a path"),
        method("size", "nothing", static=False),
    )
    assert list(found) == ["pkg.Class", "pkg.Class.make"]
    assert found["pkg.Class"]() is None
    assert found["pkg.Class.make"]() == "make"


def test_a_constructor_with_parameters_or_without_a_class_is_not_called() -> None:
    assert calls(Whole, method("__ffi_init__", "a number")) == {}
    assert calls(None, method("__ffi_init__", "nothing")) == {}


def test_a_constructor_that_returns_another_class_is_an_error() -> None:
    found = calls(Half, method("__ffi_init__", "nothing"))
    with pytest.raises(TypeError, match=r"^Half\(\) .* Whole$"):
        found["pkg.Class"]()


def test_a_release_without_reflection_is_probed_without_metadata() -> None:
    assert probe.class_calls({"pkg.Class": None}, takes_nothing) == {}
    assert probe.global_metadata(SimpleNamespace(registry=SimpleNamespace()), "pkg.f") is None
    assert probe.symbol_metadata(SimpleNamespace(), "f") is None


@pytest.mark.parametrize(
    ("name", "own"),
    [("f", True), ("pkg.f", True), ("pkg.sub.f", True), ("other.f", False), ("pkgs.f", False)],
)
def test_functions_of_other_packages_are_not_called(name: str, *, own: bool) -> None:
    assert probe.is_own(name, ["pkg", "pkg.inner"]) == own


def test_a_release_that_cannot_list_classes_is_probed_without_them() -> None:
    def get(*_: object, **__: object) -> object:
        return list

    without = SimpleNamespace(core=SimpleNamespace(), get_global_func=get)
    assert probe.class_look_up(without) is None
    untold = SimpleNamespace(core=tvm_ffi.core, get_global_func=lambda *_, **__: None)
    assert probe.class_look_up(untold) is None
    assert probe.class_look_up(tvm_ffi) is not None
