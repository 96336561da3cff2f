# SPDX-License-Identifier: Apache-2.0
"""One command builds wheels for several platforms. Emulators run some of these wheels."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import lief
import pytest
from archives import assert_same_bytes
from compiler_cache import COMPILE_ANEW
from emulators import ARM_PYTHON, kept_arm_root, qemu, wine
from environments import (
    QUICK,
    Environment,
    copy_repository,
    environment_in,
    made_once,
    make_environment,
)
from sample_projects import PROJECTS
from sbom_schema import assert_valid

pytestmark = pytest.mark.long

TAGS = {
    "x86_64-linux-gnu.2.17": "manylinux_2_17_x86_64.manylinux2014_x86_64",
    "aarch64-linux-gnu.2.28": "manylinux_2_28_aarch64",
    "aarch64-macos.11.0": "macosx_11_0_arm64",
    "x86_64-windows-gnu": "win_amd64",
}
# Zig compiles its C++ library once for each platform, in two minutes of processor time, and caches
# it. This variable contains a subset of the targets, separated by commas.
VARIABLE = "TEST_CROSS_TARGETS"
CHOSEN = [t for t in TAGS if t in os.environ.get(VARIABLE, ",".join(TAGS)).split(",")]
ELF = [target for target in TAGS if "linux" in target]
PLATFORMS = {
    "aarch64-linux-gnu.2.28": ("manylinux_2_28_aarch64",),
    "aarch64-macos.11.0": ("macosx_11_0_arm64",),
    "x86_64-windows-gnu": ("win_amd64",),
}
EXPORTS = {
    f"__tvm_ffi_{kind}{name}"
    for name in ("adler32", "scale", "smoothstep")
    for kind in ("", "_doc_", "_metadata_")
}


LIBRARY_SUFFIXES = {".so", ".dylib", ".dll"}
LIBRARY_ON_WINDOWS = "my_ffi_extension/my_ffi_extension.dll"


def installed_version() -> str:
    from importlib.metadata import version  # noqa: PLC0415 - the release that the tests have

    return version("apache-tvm-ffi")


def download(folder: Path, python: str, platforms: tuple[str, ...], *requirements: str) -> None:
    command = [
        *(sys.executable, "-m", "pip", "download", "-q", "--only-binary=:all:", "-d", str(folder)),
        *("--python-version", python, "--implementation", "cp"),
        *(word for platform in platforms for word in ("--platform", platform)),
        *requirements,
    ]
    subprocess.run(command, check=True, capture_output=True)


@pytest.fixture(scope="session")
def wheels_of_platforms(
    pytestconfig: pytest.Config, tmp_path_factory: Any, downloads: Path
) -> Path:
    """A wheelhouse with apache-tvm-ffi for every target. Later test runs reuse it."""
    folder = pytestconfig.cache.mkdir("wheels-of-platforms")
    python = ".".join(map(str, sys.version_info[:2]))
    wanted = f"apache-tvm-ffi=={installed_version()} for {python}"
    stamp = folder / "filled.txt"

    def fill(_: Path) -> None:
        if stamp.exists() and stamp.read_text() == wanted:
            return
        for wheel in folder.glob("*.whl"):
            wheel.unlink()
        for platforms in PLATFORMS.values():
            download(folder, python, platforms, "--no-deps", wanted.partition(" ")[0])
        for wheel in downloads.glob("apache_tvm_ffi-*"):
            shutil.copy(wheel, folder)
        stamp.write_text(wanted)

    made_once(tmp_path_factory, "wheels-of-platforms", fill)
    return folder


ArmWheels = Callable[..., Iterable[Path]]


@pytest.fixture(scope="session")
def arm_wheels(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> ArmWheels:
    """Return a function that downloads wheels for 64-bit ARM. Later test runs reuse the wheels."""

    def wheels_of(*requirements: str) -> Iterable[Path]:
        name = f"arm64-{'-'.join(requirements)}"
        folder = pytestconfig.cache.mkdir(name)

        def fill(_: Path) -> None:
            if not (folder / "filled").exists():
                glibc = ("2_28", "2_27", "2_17")
                platforms = tuple(f"manylinux_{version}_aarch64" for version in glibc)
                download(folder, ARM_PYTHON, platforms, *requirements)
                (folder / "filled").touch()

        made_once(tmp_path_factory, name, fill)
        return folder.glob("*.whl")

    return wheels_of


@pytest.fixture(scope="session")
def cross_builder(
    tmp_path_factory: pytest.TempPathFactory, variables: dict[str, str], plugin_wheel: Path
) -> Environment:
    """An environment with the plugin and its extra `cross`."""

    def make(folder: Path) -> None:
        environment = make_environment(folder / "venv", variables)
        environment.pip("install", "-q", f"{plugin_wheel}[cross]", cwd=folder)

    return environment_in(made_once(tmp_path_factory, "cross-builder", make) / "venv", variables)


def cross(
    environment: Environment,
    *arguments: str | Path,
    cwd: Path,
    variables: dict[str, str] | None = None,
    check: bool = True,
) -> Any:
    program = environment.folder / "bin" / "setuptools-tvm-ffi"
    return environment.run(
        program,
        "cross",
        *arguments,
        cwd=cwd,
        variables={**QUICK, "PIP_FIND_LINKS": "", **(variables or {})},
        check=check,
    )


@pytest.fixture(scope="session")
def built(
    tmp_path_factory: pytest.TempPathFactory, cross_builder: Environment, wheels_of_platforms: Path
) -> dict[str, Path]:
    """The wheels from one command, by target."""

    def make(folder: Path) -> None:
        source = copy_repository(folder / "source")
        targets = [word for target in CHOSEN for word in ("--target", target)]
        places = ("-o", folder / "dist", "--find-links", wheels_of_platforms, "--no-index")
        done = cross(cross_builder, *targets, *places, "--json", cwd=source)
        (folder / "report.json").write_text(done.stdout)
        (folder / "messages.txt").write_text(done.stderr)

    folder = made_once(tmp_path_factory, "cross", make)
    report = json.loads((folder / "report.json").read_text())
    assert {row["target"]: row["result"] for row in report["targets"]} == dict.fromkeys(
        CHOSEN, "built"
    )
    return {row["target"]: Path(row["wheel"]) for row in report["targets"]}


def test_stubs_come_from_one_build_for_this_machine(
    built: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> None:
    messages = made_once(tmp_path_factory, "cross", lambda _: None) / "messages.txt"
    links = re.findall(r"^\[\d+/\d+\] link ", messages.read_text(), re.MULTILINE)
    assert len(links) == len(built) + 1


def wheel_for(built: dict[str, Path], target: str) -> Path:
    if target not in built:
        pytest.skip(f"{VARIABLE} leaves {target} out")
    return built[target]


def unpack(folder: Path, *wheels: Path) -> None:
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder)


def the_library(wheel: Path, folder: Path) -> Path:
    """Extract the wheel's library."""
    unpack(folder, wheel)
    (library,) = (p for p in folder.rglob("*") if p.suffix in LIBRARY_SUFFIXES)
    return library


@pytest.mark.parametrize("target", TAGS)
def test_each_wheel_has_the_tag_of_its_target(built: dict[str, Path], target: str) -> None:
    wheel = wheel_for(built, target)
    assert wheel.name == f"my_ffi_extension-0.1.0-py3-none-{TAGS[target]}.whl"
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (n for n in archive.namelist() if n.endswith(".dist-info/WHEEL"))
        lines = archive.read(name).decode().splitlines()
        record = json.loads(archive.read(name.replace("WHEEL", "tvm_ffi_build.json")))
        assert "my_ffi_extension/_ffi_api.pyi" in archive.namelist()
    tags = {line.partition("-none-")[2] for line in lines if line.startswith("Tag: ")}
    assert tags == set(TAGS[target].split("."))
    assert record["platform"] == target
    assert record["compilers"]["cxx"]["version"].startswith("zig 0.")


@pytest.mark.parametrize("target", TAGS)
def test_each_wheel_lists_the_components_that_zig_linked_in(
    built: dict[str, Path], target: str
) -> None:
    with zipfile.ZipFile(wheel_for(built, target)) as archive:
        (name,) = (
            n for n in archive.namelist() if n.endswith("/sboms/setuptools-tvm-ffi.cdx.json")
        )
        text = archive.read(name).decode()
    assert_valid(text)
    document = json.loads(text)
    versions = {part["name"]: part.get("version") for part in document["components"]}
    named = {"compiler_rt", "libc++", "libc++abi"}
    named |= set() if "macos" in target else {"libunwind"}
    named |= {"mingw-w64"} if "windows" in target else set()
    known = {*named, "libunwind", "mingw-w64"}
    assert {name for name in versions if name in known} == named
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", versions[name] or "") for name in named)
    compilers = [part["name"] for made in document["formulation"] for part in made["components"]]
    assert compilers
    assert set(compilers) == {"zig"}


@pytest.mark.parametrize("target", ELF)
def test_on_linux_a_library_needs_only_libtvm_ffi_and_glibc_of_the_target(
    built: dict[str, Path], target: str, tmp_path: Path
) -> None:
    library = the_library(wheel_for(built, target), tmp_path)
    options = ("-h", "--sections", "--dynamic", "--version-info", "--dyn-syms")
    command = ["readelf", "--wide", *options, str(library)]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    machine = {"x86_64": "Advanced Micro Devices X86-64", "aarch64": "AArch64"}
    assert re.findall(r"Machine: +(.+)", printed) == [machine[target.partition("-")[0]]]
    # The library is stripped: sections that the loader does not need are missing.
    assert ".dynsym" in printed
    assert not re.search(r" \.(symtab|debug_\w+) ", printed)
    needed = set(re.findall(r"\(NEEDED\).*\[(.+)\]", printed))
    loader = {"x86_64": "ld-linux-x86-64.so.2", "aarch64": "ld-linux-aarch64.so.1"}
    assert "libtvm_ffi.so" in needed
    assert needed <= {
        *("libtvm_ffi.so", "libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2"),
        loader[target.partition("-")[0]],
    }
    versions = {tuple(map(int, v.split("."))) for v in re.findall(r"GLIBC_([\d.]+)", printed)}
    promised = tuple(map(int, target.partition("gnu.")[2].split(".")))
    assert versions
    assert max(versions) <= promised
    rows = [line.split() for line in printed.splitlines() if re.match(r" +\d+: [0-9a-f]", line)]
    exported = {row[7].partition("@")[0] for row in rows if row[6] != "UND" and len(row) > 7}
    assert exported == EXPORTS
    assert "RUNPATH" not in printed


def test_on_macos_a_library_declares_its_minimum_version(
    built: dict[str, Path], tmp_path: Path
) -> None:
    library = the_library(wheel_for(built, "aarch64-macos.11.0"), tmp_path)
    fat = lief.MachO.parse(str(library))
    assert fat is not None
    binary: Any = fat.at(0)
    assert binary.header.cpu_type == lief.MachO.Header.CPU_TYPE.ARM64
    assert list(binary.build_version.minos)[:2] == [11, 0]
    assert not [section.name for section in binary.sections if "debug" in section.name]
    local = [s.name for s in binary.symbols if s.category == lief.MachO.Symbol.CATEGORY.LOCAL]
    # The linker creates thunks. All other local symbols are stripped.
    assert [name for name in local if not name.endswith("__thunk")] == []
    needed = {command.name for command in binary.libraries if "my_ffi" not in command.name}
    assert needed == {"@rpath/libtvm_ffi.dylib", "/usr/lib/libSystem.B.dylib"}
    exported = {symbol.name.removeprefix("_") for symbol in binary.exported_symbols}
    assert exported >= EXPORTS
    # Zig exports the operators new and delete of its C++ library, see docs/cross.md.
    cxx = {name for name in exported if not re.match(r"_Z(n[wa]|d[la])", name)}
    assert not [name for name in cxx if re.match(r"_Z\w*?(3tvm3ffi|St)", name)]
    assert binary.has_code_signature  # Without one, Macs with Apple silicon reject the library.


def test_on_windows_a_library_needs_only_dlls_of_windows(
    built: dict[str, Path], tmp_path: Path
) -> None:
    library = the_library(wheel_for(built, "x86_64-windows-gnu"), tmp_path)
    assert library.name == "my_ffi_extension.dll"
    binary: Any = lief.PE.parse(str(library))
    assert binary.header.machine == lief.PE.Header.MACHINE_TYPES.AMD64
    needed = {entry.name.lower() for entry in binary.imports}
    system = r"api-ms-win-crt-[a-z]+-l1-1-0\.dll|kernel32\.dll|ntdll\.dll"
    assert {name for name in needed if not re.fullmatch(system, name)} == {"tvm_ffi.dll"}
    header = binary.optional_header
    # The library needs at most Windows 10, which contains the C runtime.
    assert (header.major_operating_system_version, header.minor_operating_system_version) <= (10, 0)
    assert (header.major_subsystem_version, header.minor_subsystem_version) <= (10, 0)
    assert not [section.name for section in binary.sections if "debug" in section.name]
    exported = {entry.name for entry in binary.get_export().entries}
    assert exported >= EXPORTS


@pytest.mark.parametrize("target", TAGS)
def test_no_path_of_this_machine_is_in_a_library(
    built: dict[str, Path], target: str, tmp_path: Path
) -> None:
    wheel = wheel_for(built, target)
    content = the_library(wheel, tmp_path).read_bytes()
    for path in (str(wheel.parents[1]), str(Path.home() / ".cache"), "site-packages", "zig-lib"):
        assert path.encode() not in content


def test_an_audit_of_the_wheels_finds_nothing(
    built: dict[str, Path], cross_builder: Environment, tmp_path: Path
) -> None:
    program = cross_builder.folder / "bin" / "setuptools-tvm-ffi"
    done = cross_builder.run(program, "audit", *built.values(), cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("  no findings\n") == len(built)


def test_the_same_sources_give_the_same_wheels_in_another_folder(
    cross_builder: Environment, wheels_of_platforms: Path, tmp_path: Path
) -> None:
    targets = [target for target in CHOSEN if target.startswith("x86_64")]
    made: list[list[Path]] = []
    for name, zone in (("one", "UTC"), ("another one/below", "Asia/Kathmandu")):
        source = tmp_path / name
        shutil.copytree(PROJECTS / "small", source)
        cross(
            cross_builder,
            *(word for target in targets for word in ("--target", target)),
            *("-o", source / "dist", "--find-links", wheels_of_platforms, "--no-index"),
            cwd=source,
            # Each build has its own cache, so neither reuses objects of the other.
            variables={
                **COMPILE_ANEW,
                "ZIG_LOCAL_CACHE_DIR": str(source / "cache"),
                "SOURCE_DATE_EPOCH": "1700000000",
                "TZ": zone,
            },
        )
        assert (source / "cache").is_dir()
        made.append(sorted((source / "dist").iterdir()))
    assert len(made[0]) == len(targets)
    for first, second in zip(*made):
        assert_same_bytes(first, second)


def test_an_isolated_build_for_a_target_gets_its_requirements_from_the_hooks(
    builder: Environment, wheels_of_platforms: Path, tmp_path: Path
) -> None:
    # The project is written in C, so Zig compiles no C++ library. One library links with the other.
    source = tmp_path / "c_libraries"
    shutil.copytree(PROJECTS / source.name, source)
    links = f"{builder.variables['PIP_FIND_LINKS']} {wheels_of_platforms.as_uri()}"
    builder.pip(
        *("wheel", "--no-deps", "-w", tmp_path / "dist", "-C", "target=aarch64-linux-gnu.2.28"),
        ".",
        cwd=source,
        variables={**QUICK, "PIP_FIND_LINKS": links},
    )
    (wheel,) = (tmp_path / "dist").iterdir()
    assert wheel.name.endswith("-py3-none-manylinux_2_28_aarch64.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "unpacked")
    libraries = sorted((tmp_path / "unpacked").rglob("*.so"))
    command = ["readelf", "-h", "-d", *map(str, libraries)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert [library.name for library in libraries] == ["libcounter.so", "libuser.so"]
    assert len(re.findall(r"Machine: +AArch64", said)) == len(libraries)
    assert "NEEDED)             Shared library: [libcounter.so]" in said
    assert "[$ORIGIN:$ORIGIN/core]" in said


def test_the_wheel_for_an_old_glibc_passes_every_test_of_the_package(
    built: dict[str, Path], variables: dict[str, str], tmp_path: Path
) -> None:
    wheel = wheel_for(built, "x86_64-linux-gnu.2.17")
    environment = make_environment(tmp_path / "venv", variables)
    environment.pip("install", "-q", wheel, "numpy", "pytest", cwd=tmp_path)
    shutil.copy(Path(__file__).with_name("test_behaviour.py"), tmp_path)
    tests = environment.run(
        *(environment.python, "-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider"),
        "test_behaviour.py",
        cwd=tmp_path,
    )
    assert re.search(r"\d+ passed in", tests.stdout)


def test_the_wheel_for_arm_passes_every_test_of_the_package_under_an_emulator(
    built: dict[str, Path], arm_wheels: ArmWheels, pytestconfig: pytest.Config, tmp_path: Path
) -> None:
    wheel = wheel_for(built, "aarch64-linux-gnu.2.28")
    emulator = qemu()
    root = kept_arm_root(pytestconfig.cache.mkdir("arm64"))
    runtime = f"apache-tvm-ffi=={installed_version()}"
    site = tmp_path / "site"
    unpack(site, wheel, *arm_wheels(runtime), *arm_wheels("numpy", "pytest"))
    shutil.copy(Path(__file__).with_name("test_behaviour.py"), tmp_path)
    # Pass the wrapper as argv[0] (-0), so that child processes of the tests are emulated, too.
    python = tmp_path / "python"
    program = root / "usr" / "bin" / f"python{ARM_PYTHON}"
    python.write_text(f'#!/bin/sh\nexec {emulator} -0 "$0" -L {root} {program} "$@"\n')
    python.chmod(0o755)
    tests = subprocess.run(
        [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_behaviour.py"],
        cwd=tmp_path,
        env={
            "PYTHONPATH": str(site),
            "PYTHONHOME": str(root / "usr"),
            "PATH": os.environ["PATH"],
            "PYTHONHASHSEED": "0",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert tests.returncode == 0, tests.stdout[-3000:] + tests.stderr[-1000:]
    assert re.search(r"\d+ passed", tests.stdout)


# If the first argument is true, the module is unloaded when the process exits. Releases of
# apache-tvm-ffi since 0.1.14 do not unload such a module.
_UNLOAD = """
import gc, importlib.metadata, sys, tvm_ffi
keep, release, library = sys.argv[1:]
assert importlib.metadata.version("apache-tvm-ffi") == release
module = tvm_ffi.load_module(library, keep_module_alive=keep == "True")
assert module.adler32(b"abc", 1) == 38600999
del module
gc.collect()
"""


@pytest.mark.parametrize("release", ["0.1.10", "0.1.14.post1", installed_version()])
@pytest.mark.parametrize("target", ["native", *ELF])
def test_a_library_can_be_unloaded_and_the_process_exits_with_0(
    request: pytest.FixtureRequest,
    arm_wheels: ArmWheels,
    old_releases: Path,
    downloads: Path,
    tmp_path: Path,
    target: str,
    release: str,
) -> None:
    if target == "native":
        wheel = request.getfixturevalue("reference_wheel")
    else:
        wheel = wheel_for(request.getfixturevalue("built"), target)
    library = the_library(wheel, tmp_path / "library")
    site = tmp_path / "site"
    command = [sys.executable]
    variables = {**os.environ, "PYTHONPATH": str(site)}
    if target.startswith("aarch64"):
        root = kept_arm_root(request.config.cache.mkdir("arm64"))
        command = [qemu(), "-L", str(root), str(root / "usr" / "bin" / f"python{ARM_PYTHON}")]
        variables["PYTHONHOME"] = str(root / "usr")
        unpack(site, *arm_wheels(f"apache-tvm-ffi=={release}"))
    else:
        python = "cp{}{}".format(*sys.version_info)
        name = f"apache_tvm_ffi-{release}-{python}-*.whl"
        unpack(site, next(file for d in (old_releases, downloads) for file in d.glob(name)))
    for keep in ("False", "True"):
        process = subprocess.run(
            [*command, "-c", _UNLOAD, keep, release, str(library)],
            env=variables,
            capture_output=True,
            text=True,
            check=False,
        )
        assert process.returncode == 0, (keep, process.stderr[-1000:])


def test_the_library_for_windows_runs_under_wine(
    built: dict[str, Path],
    cross_builder: Environment,
    wheels_of_platforms: Path,
    tmp_path: Path,
) -> None:
    wheel = wheel_for(built, "x86_64-windows-gnu")
    emulator = wine()
    (runtime,) = wheels_of_platforms.glob("apache_tvm_ffi-*-win_amd64.whl")
    for file in (runtime, wheel):
        with zipfile.ZipFile(file) as archive:
            archive.extractall(tmp_path)
    source = Path(__file__).with_name("sources") / "load_dll.c"
    includes = ("tvm_ffi/include", "tvm_ffi/3rdparty/dlpack/include")
    # Use the compiler and folder of the library's build, so that Zig reuses Windows' C runtime.
    stand_ins = "build/tvm-ffi.x86_64-windows-gnu/apache-tvm-ffi/stand-ins"
    for driver, file, options in (
        ("cc", source, ()),
        ("c++", source.with_name("align.cc"), ("-std=c++17", "-g0", "-fno-sanitize=undefined")),
    ):
        cross_builder.run(
            *(cross_builder.python, "-m", "ziglang", driver),
            *("-target", "x86_64-windows-gnu", "-Os", *options),
            *("-include", f"{stand_ins}/windows-stand-ins.h"),
            *(f"-I{tmp_path / folder}" for folder in includes),
            *("-o", tmp_path / f"{file.stem}.exe", file),
            cwd=wheel.parents[1] / "source",
            variables={"ZIG_LIB_DIR": "build/tvm-ffi.x86_64-windows-gnu/zig-lib"},
        )

    def run(*command: str) -> Any:
        return subprocess.run(
            [emulator, *command],
            cwd=tmp_path,
            env={**os.environ, "WINEPREFIX": str(tmp_path / "wine"), "WINEDEBUG": "-all"},
            capture_output=True,
            text=True,
            check=False,
        )

    done = run("load_dll.exe", "tvm_ffi/lib/tvm_ffi.dll", LIBRARY_ON_WINDOWS)
    assert done.stdout.splitlines() == [
        "scalars: 0 0.15625",
        "tensors: 0 2.5 5 7.5 10",
        "error: -1 ValueError: smoothstep: expected edge0 < edge1, got 1 and 0",
    ], done.stderr
    # If the headers cannot allocate memory, the result is an error and not a wrong call of free.
    done = run("align.exe")
    assert done.stdout.splitlines() == ["16: allocated", "64: bad_alloc"], done.stderr


def test_cuda_sources_are_rejected_by_name_with_exit_status_1(
    cross_builder: Environment, wheels_of_platforms: Path, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    shutil.copytree(PROJECTS / "cuda", source)
    places = ("-o", tmp_path / "dist", "--find-links", wheels_of_platforms, "--no-index")
    done = cross(cross_builder, "--target", "x86_64-windows-gnu", *places, cwd=source, check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    (row,) = done.stdout.splitlines()[1:]
    assert row.split()[:2] == ["x86_64-windows-gnu", "failed"]
    assert "sources in CUDA cannot be compiled for x86_64-windows-gnu" in row
    assert list((tmp_path / "dist").iterdir()) == []


def test_a_target_without_apache_tvm_ffi_is_reported_and_the_next_is_built(
    cross_builder: Environment, wheels_of_platforms: Path, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    shutil.copytree(PROJECTS / "c_libraries", source)
    places = ("-o", tmp_path / "dist", "--find-links", wheels_of_platforms, "--no-index")
    names = ("x86_64-linux-musl", "x86_64-macos.11.0", "aarch64-linux-gnu.2.28")
    targets = [word for name in names for word in ("--target", name)]
    done = cross(cross_builder, *targets, *places, cwd=source, check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    header, *rows = done.stdout.splitlines()
    assert header.split()[0] == "target"
    assert [row.split("  ")[0] for row in rows] == list(names)
    assert all("no apache-tvm-ffi" in row and "has no wheel for" in row for row in rows[:2])
    (wheel,) = (tmp_path / "dist").iterdir()
    assert rows[2].split()[1:] == ["built", str(wheel)]
