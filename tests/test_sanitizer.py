# SPDX-License-Identifier: Apache-2.0
"""The reference package with the address sanitizer, started with the variables from the build."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from environments import QUICK, Environment, copy_repository, make_environment
from sample_projects import PROJECTS, Project

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(sys.platform != "linux", reason="preloads the runtime as ELF does"),
]


def variables_of(printed: str) -> dict[str, str]:
    """Return the environment variables that the build prints."""
    found = re.search(
        r"setuptools-tvm-ffi: start Python for the address-sanitizer with (.*)$",
        printed,
        re.MULTILINE,
    )
    assert found is not None, printed
    return dict(word.split("=", 1) for word in shlex.split(found[1]))


@pytest.fixture(scope="module", autouse=True)
def _runtime() -> None:
    command = ["c++", "-print-file-name=libasan.so"]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    if not Path(found).exists():
        pytest.skip("the compiler has no shared runtime of the address sanitizer")


def test_the_reference_packages_tests_cause_no_sanitizer_report(
    builder: Environment, variables: dict[str, str], tmp_path: Path
) -> None:
    process = builder.pip(
        *("wheel", "-v", "--no-deps", "--no-build-isolation", "-w", tmp_path / "dist"),
        *("-C", "build-type=address-sanitizer", "."),
        cwd=copy_repository(tmp_path / "source"),
        variables=QUICK,
    )
    environment = make_environment(tmp_path / "venv", variables)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    environment.pip("install", "-q", wheel, "numpy", "pytest", cwd=tmp_path)
    (library,) = environment.site_packages.glob("my_ffi_extension/*.so")
    assert b"__asan_report_load" in library.read_bytes()
    started = variables_of(process.stdout + process.stderr)
    # pytest captures standard error, but a sanitizer report terminates the process.
    started["ASAN_OPTIONS"] += f":log_path={tmp_path}/report"
    (tmp_path / "tests").mkdir()
    shutil.copy(Path(__file__).with_name("test_behaviour.py"), tmp_path / "tests")
    process = environment.run(
        *(environment.python, "-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider"),
        "test_behaviour.py",
        cwd=tmp_path / "tests",
        variables=started,
        check=False,
    )
    reports = "".join(file.read_text() for file in tmp_path.glob("report.*"))
    assert "ERROR: AddressSanitizer" not in reports, reports
    assert process.returncode == 0, process.stdout + process.stderr
    assert re.search(r"\d+ passed in", process.stdout)


def test_a_write_out_of_bounds_is_reported_in_the_same_setup(
    builder: Environment, tmp_path: Path
) -> None:
    shutil.copytree(PROJECTS / "c_only", tmp_path / "c_only")
    project = Project(tmp_path / "c_only", builder)
    project.edit(
        "csrc/increment.c",
        "  result->type_index = kTVMFFIInt;",
        "  char* bytes = malloc(8);\n  bytes[args[0].v_int64] = 1;\n  free(bytes);\n"
        "  result->type_index = kTVMFFIInt;",
    )
    project.edit("csrc/increment.c", "#include <stddef.h>", "#include <stdlib.h>")
    process = project.build(SETUPTOOLS_TVM_FFI_BUILD_TYPE="address-sanitizer")
    started = {**variables_of(process.stdout), "PYTHONPATH": str(tmp_path / "installed")}
    shutil.unpack_archive(project.wheel, started["PYTHONPATH"], "zip")

    def increment(number: int) -> subprocess.CompletedProcess[str]:
        program = f"import c_only_pkg; print(c_only_pkg.LIB.increment({number}))"
        command = (builder.python, "-c", program)
        return builder.run(*command, cwd=tmp_path, variables=started, check=False)

    inside = increment(7)
    assert (inside.returncode, inside.stdout.strip()) == (0, "8"), inside.stderr
    outside = increment(8)
    assert outside.returncode != 0
    assert "ERROR: AddressSanitizer: heap-buffer-overflow" in outside.stderr
    assert re.search(r"#0 .* csrc/increment\.c:\d+", outside.stderr)
