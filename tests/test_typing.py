# SPDX-License-Identifier: Apache-2.0
"""Check installed packages with mypy, stubtest and pyright, and query their docs with jedi.

docs/typing.md quotes the commands and the results.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from environments import (
    LEFT_OUT,
    QUICK,
    REPOSITORY,
    Environment,
    environment_in,
    made_once,
    make_environment,
)
from stress_registry import write_project

#: The packages in this repository and their folders in examples/. `stress_pkg` is generated: it has
#: 200 functions and 60 classes with every type that schemas contain.
PROJECTS = {
    "my_ffi_extension": None,
    "c_abi_only": "c_abi_only",
    "cuda_kernels": "cuda_kernels",
    "embedded_cubin": "embedded_cubin",
    "generated_sources": "generated_sources",
    "rms_norm_after": "from_torch_cpp_extension/after",
    "numpy_interop": "numpy_interop",
    "package_headers": "package_headers",
    "pyproject_only": "pyproject_only",
    "several_libraries": "several_libraries",
    "stress_pkg": None,
}
NEED_NVCC = ("cuda_kernels", "embedded_cubin")
SAMPLES = REPOSITORY / "tests" / "typing"
ALLOWLIST = REPOSITORY / "docs" / "stubtest-allowlist.txt"

#: The errors in one file: line numbers, and the sorted error codes of each line.
Report = dict[int, list[str]]

#: Expressions, and a text that an editor must show from the documentation of each.
DOCS = {
    "ext.tally": "Count how often each word occurs.",
    "ext.stats.quantile": "Return the value below which",
    "accumulator.push": "Add one value.",
    "series.size": "Return how many values the series has.",
    "ext.Accumulator.from_values": "Make an accumulator that has seen",
    "accumulator.count": "How many values were added.",
    "accumulator.label": "A name of your own choice.",
    "ext.Accumulator": "Streaming mean and variance in constant space; refuses",
    "ext.LIB.scale": "Write ``factor * x`` into ``out``.",
    "ext.scale": "Write ``factor * x`` into ``out``.",
    "pyproject_only.edit_distance": "Return how many characters",
}
HOVERED = """\
import my_ffi_extension as ext
import pyproject_only

accumulator = ext.Accumulator("x")
series = ext.Series("x", accumulator)
"""


@pytest.fixture(scope="module")
def environment(
    tmp_path_factory: pytest.TempPathFactory,
    variables: dict[str, str],
    builder: Environment,
    reference_wheel: Path,
    example_wheel: Callable[[str], Path],
) -> Environment:
    """An environment with the checkers and every package that can be built on this machine."""

    def make(folder: Path) -> None:
        stress = write_project(folder / "stress", "stress_pkg")
        command = ("wheel", "-q", "--no-deps", "--no-build-isolation", "-w", folder, ".")
        builder.pip(*command, cwd=stress, variables=QUICK)
        examples = [PROJECTS[package] for package in packages_here(variables)]
        wheels = [example_wheel(project) for project in examples if project]
        environment = make_environment(folder / "venv", variables)
        checkers = ("basedpyright", "jedi", "mypy", "numpy", "apache-tvm-ffi")
        environment.pip("install", "-q", *checkers, cwd=folder)
        found = (reference_wheel, *wheels, *folder.glob("*.whl"))
        environment.pip("install", "-q", "--no-deps", *found, cwd=folder)

    return environment_in(made_once(tmp_path_factory, "typing", make) / "venv", variables)


@pytest.fixture(scope="module")
def packages(variables: dict[str, str]) -> list[str]:
    return packages_here(variables)


def packages_here(variables: Mapping[str, str]) -> list[str]:
    nvcc = shutil.which("nvcc", path=variables["PATH"])
    return [name for name in PROJECTS if name not in NEED_NVCC or nvcc]


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sample files, outside of the repository with the sources of the packages."""
    folder = tmp_path_factory.mktemp("samples")
    shutil.copytree(SAMPLES, folder, ignore=LEFT_OUT, dirs_exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def mypy(environment: Environment, packages: list[str], samples: Path) -> dict[str, Report]:
    """The errors of one run on all packages and samples, by file."""
    checked = [argument for name in packages for argument in ("-p", name)]
    process = environment.run(
        *(environment.python, "-m", "mypy", "--strict", "--output=json", "--config-file="),
        *(*checked, "-m", "correct", "-m", "mistakes"),
        cwd=samples,
        check=False,
    )
    assert process.returncode == 1, process.stdout + process.stderr
    errors = []
    for line in process.stdout.splitlines():
        item = json.loads(line)
        if item["severity"] == "error":
            errors.append((item["file"], item["line"], item["code"]))
    return by_file(errors, samples)


@pytest.fixture(scope="module")
def pyright(environment: Environment, packages: list[str], samples: Path) -> dict[str, Report]:
    """The errors of one run on all packages and samples, by file.

    As in every type checker, a `.pyi` file replaces the `.py` file beside it.
    """
    folders = [environment.site_packages / package for package in packages]
    stubs = [str(path) for folder in folders for path in folder.rglob("*.pyi")]
    written = [
        str(path)
        for folder in folders
        for path in folder.rglob("*.py")
        if not path.with_suffix(".pyi").exists()
    ]
    configuration = {
        "typeCheckingMode": "standard",
        "strict": [*stubs, "correct.py"],
        "include": [*stubs, *written, "correct.py", "mistakes.py"],
        "exclude": [],
    }
    (samples / "pyrightconfig.json").write_text(json.dumps(configuration))
    process = environment.run("basedpyright", "-p", ".", "--outputjson", cwd=samples, check=False)
    assert process.returncode == 1, process.stdout + process.stderr
    report = json.loads(process.stdout)
    assert report["summary"]["filesAnalyzed"] >= len(configuration["include"])
    return by_file(
        [
            (item["file"], item["range"]["start"]["line"] + 1, item["rule"])
            for item in report["generalDiagnostics"]
            if item["severity"] == "error"
        ],
        samples,
    )


def by_file(errors: list[tuple[str, int, str]], folder: Path) -> dict[str, Report]:
    result: dict[str, Report] = defaultdict(lambda: defaultdict(list))
    for file, line, code in sorted(errors):
        # The tools report absolute or relative paths.
        result[os.path.relpath(folder / file, folder)][line].append(code)
    return dict(result)


def expected_mistakes(checker: str) -> Report:
    lines = (SAMPLES / "mistakes.py").read_text(encoding="utf-8").splitlines()
    found = {n: re.search(rf"# .*\b{checker}: ([\w, -]+)", line) for n, line in enumerate(lines, 1)}
    return {n: sorted(match[1].strip().split(", ")) for n, match in found.items() if match}


def test_every_package_of_the_repository_is_type_checked(packages: list[str]) -> None:
    examples = {path.parent.name for path in (REPOSITORY / "examples").glob("*/README.md")}
    assert examples == {project.partition("/")[0] for project in PROJECTS.values() if project}
    if set(packages) != set(PROJECTS):
        pytest.skip(f"there is no nvcc, so that {' and '.join(NEED_NVCC)} are not looked at")


# --- mypy and pyright ---------------------------------------------------------------------------


@pytest.mark.long
def test_mypy_finds_no_error_in_a_package_and_in_correct_uses(mypy: dict[str, Report]) -> None:
    assert set(mypy) == {"mistakes.py"}, mypy


@pytest.mark.long
def test_pyright_finds_no_error_in_a_package_and_in_correct_uses(
    pyright: dict[str, Report],
) -> None:
    assert set(pyright) == {"mistakes.py"}, pyright


@pytest.mark.long
def test_mypy_reports_every_mistake_and_nothing_else(mypy: dict[str, Report]) -> None:
    assert mypy["mistakes.py"] == expected_mistakes("mypy")


@pytest.mark.long
def test_pyright_reports_every_mistake_and_nothing_else(pyright: dict[str, Report]) -> None:
    assert pyright["mistakes.py"] == expected_mistakes("pyright")


@pytest.mark.long
def test_correct_uses_run_without_errors(environment: Environment, samples: Path) -> None:
    environment.run(environment.python, "-I", "-W", "error", "correct.py", cwd=samples)


# --- stubtest -----------------------------------------------------------------------------------


def stubtest(
    environment: Environment, *arguments: str | Path, cwd: Path
) -> subprocess.CompletedProcess[str]:
    command = (environment.python, "-m", "mypy.stubtest", *arguments, "--concise")
    path = {"MYPYPATH": str(cwd), "PYTHONPATH": str(cwd)}
    return environment.run(*command, cwd=cwd, variables=path, check=False)


@pytest.mark.long
def test_stubs_match_the_package_at_run_time(
    environment: Environment, packages: list[str], tmp_path: Path
) -> None:
    # stubtest also reports unused entries of the allowlist.
    process = stubtest(environment, *packages, "--allowlist", ALLOWLIST, cwd=tmp_path)
    assert process.returncode == 0, process.stdout + process.stderr


@pytest.mark.long
def test_stubtest_reports_a_stub_for_a_missing_name(
    environment: Environment, tmp_path: Path
) -> None:
    installed = environment.site_packages / "pyproject_only"
    package = shutil.copytree(installed, tmp_path / "pyproject_only", ignore=LEFT_OUT)
    for stub in package.glob("*.pyi"):
        text = stub.read_text(encoding="utf-8")
        stub.write_text(text.replace("edit_distance", "edit_distances"), encoding="utf-8")
    command = ("--allowlist", ALLOWLIST, "--ignore-unused-allowlist")
    process = stubtest(environment, "pyproject_only", *command, cwd=tmp_path)
    assert process.returncode == 1, process.stderr
    assert process.stdout.splitlines()[-2:] == [
        "pyproject_only._ffi_api.edit_distance is not present in stub",
        "pyproject_only._ffi_api.edit_distances is not present at runtime",
    ]


@pytest.mark.long
def test_a_constructor_rejects_the_keywords_in_its_signature(
    environment: Environment, tmp_path: Path
) -> None:
    # The reason for the entry for constructors in the allowlist. Delete it when this test fails.
    program = (
        "import inspect, my_ffi_extension as ext\n"
        "print(inspect.signature(ext.Accumulator))\n"
        "try: ext.Accumulator(label='x')\n"
        "except TypeError as problem: print(problem)\n"
    )
    printed = environment.run(environment.python, "-c", program, cwd=tmp_path).stdout
    signature, problem = printed.splitlines()
    assert signature == "(label)"
    assert problem.startswith("Mismatched number of arguments")


# --- editors ------------------------------------------------------------------------------------

JEDI = """\
import json, sys
import jedi

head, expressions = json.load(sys.stdin)
line = head.count("\\n") + 1

def docs(names):
    return [name.docstring(raw=True) for name in names]

result = {}
for expression in expressions:
    script = jedi.Script(head + expression, path="hovered.py")
    at = (line, len(expression) - 1)
    last = expression.rpartition(".")[2]
    calling = jedi.Script(head + expression + "(", path="hovered.py")
    result[expression] = {
        "infer": docs(script.infer(*at)),
        "help": docs(script.help(*at)),
        "goto": docs(script.goto(*at, follow_imports=True, prefer_stubs=True)),
        "complete": docs(n for n in script.complete(line, len(expression)) if n.name == last),
        "get_signatures": docs(calling.get_signatures()),
        "parameters": [s.to_string() for s in calling.get_signatures()],
    }
print(json.dumps(result))
"""

#: The functions of jedi that find the documentation of each expression. Editors use `infer` or
#: `help` when hovering, `complete` for completion, and `get_signatures` after a parenthesis.
JEDI_FINDS = {
    "ext.tally": {"infer", "get_signatures"},
    "ext.stats.quantile": {"infer", "get_signatures"},
    "accumulator.push": {"infer", "goto", "complete", "get_signatures"},
    "series.size": {"infer", "get_signatures"},
    "ext.Accumulator.from_values": {"infer", "get_signatures"},
    "accumulator.count": {"infer", "goto", "complete", "get_signatures"},
    "accumulator.label": {"goto", "complete"},
    "ext.Accumulator": {"infer", "help", "goto", "complete", "get_signatures"},
    "ext.LIB.scale": {"infer", "help", "goto", "complete", "get_signatures"},
    "ext.scale": {"infer", "get_signatures"},
    "pyproject_only.edit_distance": {"infer", "complete", "get_signatures"},
}


@pytest.fixture(scope="module")
def jedi(
    environment: Environment, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, list[str]]]:
    process = subprocess.run(
        [environment.python, "-c", JEDI],
        input=json.dumps([HOVERED, list(DOCS)]),
        cwd=tmp_path_factory.mktemp("jedi"),
        env=environment.variables,
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, dict[str, list[str]]] = json.loads(process.stdout)
    return found


@pytest.mark.long
@pytest.mark.parametrize("expression", DOCS)
def test_jedi_finds_docs(expression: str, jedi: dict[str, dict[str, list[str]]]) -> None:
    finding = {
        call
        for call, docs in jedi[expression].items()
        if any(DOCS[expression] in doc for doc in docs)
    }
    assert finding >= JEDI_FINDS[expression]


@pytest.mark.long
def test_jedi_finds_the_names_of_parameters(jedi: dict[str, dict[str, list[str]]]) -> None:
    (shown,) = jedi["ext.tally"]["parameters"]
    assert shown == "tally(words: _Sequence[str], /) -> Map[str, int]"


class LanguageServer:
    """A client of a language server that implements the parts of the protocol for hovering."""

    def __init__(self, process: subprocess.Popen[bytes], root: Path) -> None:
        self._process = process
        self._last_id = 0
        folder = {"uri": root.as_uri(), "name": "root"}
        self.request(
            "initialize",
            {
                "processId": None,
                "rootUri": root.as_uri(),
                "workspaceFolders": [folder],
                "capabilities": {"textDocument": {"hover": {"contentFormat": ["markdown"]}}},
            },
        )
        self.notify("initialized", {})

    def request(self, method: str, parameters: object) -> Any:
        self._last_id += 1
        self._send({"id": self._last_id, "method": method, "params": parameters})
        while True:
            message = self._receive()
            if "method" not in message and message["id"] == self._last_id:
                return message["result"]
            if "method" in message and "id" in message:  # usually for settings
                asked = message["params"].get("items", []) if message.get("params") else []
                self._send({"id": message["id"], "result": [{} for _ in asked] or None})

    def notify(self, method: str, parameters: object) -> None:
        self._send({"method": method, "params": parameters})

    def _send(self, message: dict[str, object]) -> None:
        content = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(content), content))
        self._process.stdin.flush()

    def _receive(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        size = 0
        while (line := self._process.stdout.readline()) != b"\r\n":
            assert line, "the language server has ended"
            key, _, value = line.decode().partition(":")
            if key.lower() == "content-length":
                size = int(value)
        message: dict[str, Any] = json.loads(self._process.stdout.read(size))
        return message


@pytest.fixture(scope="module")
def hovers(
    environment: Environment, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """The text that pyright's language server shows for each expression."""
    folder = tmp_path_factory.mktemp("hovering")
    file = folder / "hovered.py"
    lines = [*HOVERED.splitlines(), *DOCS]
    file.write_text("\n".join(lines))
    process = subprocess.Popen(
        [environment.folder / "bin" / "basedpyright-langserver", "--stdio"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=folder,
        env=environment.variables,
    )
    watchdog = threading.Timer(120, process.kill)
    watchdog.start()
    try:
        server = LanguageServer(process, folder)
        document = {"uri": file.as_uri(), "languageId": "python", "version": 1}
        opened = {"textDocument": {**document, "text": file.read_text()}}
        server.notify("textDocument/didOpen", opened)
        shown = {}
        for expression in DOCS:
            position = {"line": lines.index(expression), "character": len(expression) - 1}
            place = {"textDocument": {"uri": file.as_uri()}, "position": position}
            answer = server.request("textDocument/hover", place)
            shown[expression] = answer["contents"]["value"] if answer else ""
        yield shown
    finally:
        watchdog.cancel()
        process.kill()
        process.communicate()


#: The expected signatures. The test ignores white space and commas.
SIGNATURES = {
    "ext.tally": "def tally(words: _Sequence[str], /) -> Map[str, int]",
    "ext.stats.quantile": (
        "def quantile(values: _Sequence[float], q: float, method: str | None = None) -> float"
    ),
    "accumulator.push": "(method) def push(value: float, /) -> None",
    "series.size": "def size() -> int",
    "ext.Accumulator.from_values": "from_values(label: str, values: _Sequence[float], /)",
    "accumulator.count": "(property) count: int",
    "accumulator.label": "(variable) label: str",
    "ext.Accumulator": "class Accumulator(label: str, /)",
    "ext.LIB.scale": "def scale(x: _SupportsDLPack, factor: float, out: _SupportsDLPack)",
    "ext.scale": "def scale(x: _SupportsDLPack, factor: float, out: _SupportsDLPack)",
    "pyproject_only.edit_distance": "def edit_distance(left: str, right: str, /) -> int",
}


@pytest.mark.long
@pytest.mark.parametrize("expression", DOCS)
def test_pyright_shows_signature_and_docs_on_hover(expression: str, hovers: dict[str, str]) -> None:
    shown = re.sub(r",?\s", "", hovers[expression]).replace(",", "")
    signature = re.sub(r",?\s", "", SIGNATURES[expression]).replace(",", "")
    assert signature in shown
    assert DOCS[expression].replace("``", "`") in hovers[expression]


def test_the_documented_allowlist_is_the_tested_one() -> None:
    text = (REPOSITORY / "docs" / "typing.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^printf .* > stubtest-allowlist\.txt$", text, re.MULTILINE)
    entries = [line for line in ALLOWLIST.read_text().splitlines() if line and line[0] != "#"]
    assert re.findall(r"'(\S+)'", command)[1:] == entries
