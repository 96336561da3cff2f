# SPDX-License-Identifier: Apache-2.0
"""NVIDIA's nvcc, on Linux and on Windows."""

from __future__ import annotations

import itertools
import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import quote

from ..base.errors import ConfigurationError
from ..ffi.sdk import TVMFFISdk
from ..project.build_environment import ENVIRONMENT, PACKAGES
from ..settings.model import ExtensionSettings, ProjectSettings
from . import gnu, msvc
from .model import Compiler, CompileUnit, EnvironmentFlags, StaticPart

# The libraries that nvcc itself links for each kind of CUDA runtime, but for the one of device
# code that starts kernels, which needs a device link (-rdc).
_RUNTIME = {
    "linux": {"static": ("-lcudart_static", "-lrt", "-lpthread", "-ldl"), "none": ()},
    "windows": {"static": ("cudart_static.lib",), "none": (), "shared": ("cudart.lib",)},
}

# nvcc (13.0) starts its tools with `sh -c` and puts paths between quotation marks without
# escaping what is special there; fatbinary reads a list between commas.
_UNUSABLE_IN_PATHS = '"$`,'
# It names the source's absolute path, too; what that comes to does not matter, see below.
_UNUSABLE_IN_ROOT = '"`'
# Of what it passes on itself it loses quotation, expands variables and splits lists.
_UNUSABLE_IN_WORDS = "\\\"'$`,"


@dataclass(frozen=True)
class NvccCompiler:
    """Command lines for nvcc and the C++ compiler that it gives the host's part of a source to.

    :param compiler: nvcc.
    :param release: as in ``13.0``.
    :param host: what C++ is compiled with.
    :param known_architectures: what it compiles for, in PyTorch's notation: ``9.0``, ``9.0a``.
    :param library_dirs: where the toolkit's libraries lie, those that stand in for the driver's
        among them.
    :param root: the project's folder, absolute.
    :param shared_runtime: the name of the shared CUDA runtime for the linker's ``-l``.
    :param takes_objtemp: whether it has ``-objtemp`` (documented from 11.2 on).
    :param takes_source_name: whether its front end has ``--orig_src_path_name``.
    """

    compiler: Compiler
    release: str
    host: Compiler
    known_architectures: tuple[str, ...]
    library_dirs: tuple[str, ...]
    system: str
    root: str
    environment: EnvironmentFlags
    project: ProjectSettings = field(default_factory=ProjectSettings)
    shared_runtime: str = "cudart"
    takes_objtemp: bool = True
    takes_source_name: bool = True

    @property
    def dependency_style(self) -> str:
        return "gcc"

    @property
    def stand_ins(self) -> tuple[str, ...]:
        folders = (folder for folder in self.library_dirs if folder.endswith("/stubs"))
        return tuple(f"{folder}/libcuda.so" for folder in folders)

    def compile_flags(
        self, settings: ExtensionSettings, sdk: TVMFFISdk, language: str
    ) -> tuple[str, ...]:
        windows = self.system == "windows"
        ours, host = self._windows_flags(settings) if windows else self._gnu_flags(settings, sdk)
        return (
            f"-std=c++{settings.cuda_std}",
            *ours,
            *self._architectures(settings),
            *(("-Werror=all-warnings",) if self.project.warnings_as_errors else ()),
            *self._for_host(host),
            *(
                word
                for definition in gnu.definitions(settings)
                for word in self._passed_on((definition,))
            ),
            *self._passed_on(gnu.system_includes(settings, sdk)),
            *self.environment.for_language(language),
            *settings.extra_compile_args.of(language),
        )

    def compile_command(self, flags: tuple[str, ...], unit: CompileUnit) -> tuple[str, ...]:
        self._check_path(unit.source, _UNUSABLE_IN_PATHS)
        self._check_path(unit.object, _UNUSABLE_IN_PATHS)
        self._check_path(self.root, _UNUSABLE_IN_ROOT)
        program, arguments = host_command(self.host)
        return (
            *self.compiler.launcher,
            *self.compiler.command,
            f"-ccbin={program}",
            *self._for_host(arguments),
            *(_quoted(word) if self._is_map(word) else word for word in flags),
            *self._reproducible(unit),
            # With the headers of the toolkit and of the system, as C++ has it: those of
            # apache-tvm-ffi are system headers too, and -MMD exists on Linux alone.
            *("-MD", "-MT", unit.object, "-MF", unit.depfile),
            *("-c", unit.source, "-o", unit.object),
        )

    def link_flags(self, settings: ExtensionSettings) -> tuple[str, ...]:
        runtime = settings.cuda_runtime
        if self.system == "windows":
            folders = [f"/LIBPATH:{folder}" for folder in self.library_dirs]
            return (*folders, *_RUNTIME["windows"][runtime])
        # Without a runtime, too: `libraries = ["cuda"]` is the driver's library, of which a
        # machine without a driver has the toolkit's stand-in alone.
        folders = [f"-L{folder}" for folder in self.library_dirs]
        shared = (f"-l{self.shared_runtime}",)
        return (*folders, *_RUNTIME["linux"].get(runtime, shared))

    def static_parts(self, settings: ExtensionSettings) -> tuple[StaticPart, ...]:
        if settings.cuda_runtime != "static":
            return ()
        return (("cudart_static", self.release, "NVIDIA Corporation"),)

    def notice(self, settings: ExtensionSettings) -> str | None:
        if settings.cuda_architectures:
            return None
        architectures = ";".join(default_architectures(self.known_architectures))
        return f"CUDA architectures: {architectures}, by default with nvcc {self.release}"

    def _gnu_flags(
        self, settings: ExtensionSettings, sdk: TVMFFISdk
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return what is nvcc's own, and what is the host compiler's.

        nvcc's -O and -g are about the host's part alone, as with CMake. Device code is optimised
        always: debugging it (-G) makes it many times slower, and its line numbers (-lineinfo)
        hold the project's folder, which nvcc (13.5) has no way to map. Those are the extension's
        to ask for.

        Nor does link-time optimisation reach these sources. nvcc's own (-dlto) is about device
        code and wants a device link; and a host compiler's would have to keep what registers
        kernels, which nobody promises. An object with machine code fits into such a link.
        """
        speed = gnu.optimisation(self.project.build_type)
        ours = tuple(word for word in speed if word.startswith(("-O", "-g", "-D")))
        unique = self.host.family == "gcc"
        return (
            (*ours, *(("-g",) if settings.debug_symbols and "-g" not in ours else ())),
            (
                *(word for word in speed if word not in ours),
                *("-fPIC", "-fvisibility=hidden", "-fvisibility-inlines-hidden"),
                *(("-fno-gnu-unique",) if unique else ()),
                *(("-Werror",) if self.project.warnings_as_errors else ()),
                *gnu.prefix_maps(settings, sdk, self.root),
            ),
        )

    def _windows_flags(
        self, settings: ExtensionSettings
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        speed = msvc.optimisation(self.project.build_type)
        definitions = [f"-D{word[2:]}" for word in speed if word.startswith("/D")]
        if settings.msvc_flags:
            definitions += [f"-D{definition}" for definition in msvc.DEFINITIONS]
        debug = settings.debug_symbols or self.project.build_type != "release"
        return (
            tuple(definitions),
            (
                *("/nologo", "/utf-8", "/EHsc", "/Zc:__cplusplus"),
                *(word for word in speed if not word.startswith("/D")),
                *(("/Z7",) if debug else ()),
                *(("/WX",) if self.project.warnings_as_errors else ()),
                "/MD",
                *(("/bigobj", "/Zc:inline") if settings.msvc_flags else ()),
            ),
        )

    def _architectures(self, settings: ExtensionSettings) -> tuple[str, ...]:
        declared = settings.cuda_architectures
        if not declared:
            declared = default_architectures(self.known_architectures)
        flags: dict[str, None] = {}
        for architecture in declared:
            name, _, ptx = architecture.partition("+")
            if name not in self.known_architectures:
                raise ConfigurationError(
                    f"{settings.place('cuda_architectures')}: nvcc {self.release} does "
                    f"not compile for {architecture!r}",
                    hint=f"it knows {', '.join(self.known_architectures)}",
                )
            number = name.replace(".", "")
            flags[f"-gencode=arch=compute_{number},code=sm_{number}"] = None
            if ptx:
                flags[f"-gencode=arch=compute_{number},code=compute_{number}"] = None
        return tuple(flags)

    def _reproducible(self, unit: CompileUnit) -> tuple[str, ...]:
        """Keep what is different in every run, and in every folder, out of the object."""
        return (
            # The names of intermediate files are in it: with the number of a process, if they lie
            # in the folder for temporary files.
            *(("-objtemp",) if self.takes_objtemp else ()),
            # Names of what is local to a source get a hash of its absolute path, with or without
            # -frandom-seed (13.5). The front end takes another name, if it has no spaces.
            *(
                ("-Xcudafe", f"--orig_src_path_name={quote(unit.source)}")
                if self.takes_source_name
                else ()
            ),
        )

    def _for_host(self, words: Iterable[str]) -> tuple[str, ...]:
        """Return words that arrive at the host compiler as they are.

        nvcc splits what it is given at commas, takes one level of quotation off, and pastes the
        rest into a line for the shell.
        """
        if self.system == "windows":
            return tuple(f"-Xcompiler={word}" for word in words)
        every = (f"-Xcompiler={word}" for word in words)
        return tuple(word if self._is_map(word) else _quoted(word) for word in every)

    def _is_map(self, word: str) -> bool:
        """Whether a word is quoted in the command alone, for flags are recorded without folders.

        How it is quoted would tell, and wheels from two folders would differ.
        """
        names = (".", PACKAGES, ENVIRONMENT)
        return word.startswith("-Xcompiler=-ffile-prefix-map=") and word.endswith(
            tuple(f"={name}" for name in names)
        )

    def _passed_on(self, words: tuple[str, ...]) -> tuple[str, ...]:
        """Return one option of the preprocessor, which is the host's, so that it arrives there."""
        if self.system == "windows" or not set(_UNUSABLE_IN_WORDS) & set("".join(words)):
            return words
        return self._for_host(words)

    def _check_path(self, path: str, unusable: str) -> None:
        found = sorted(set(unusable) & set(path))
        if found and self.system != "windows":
            raise ConfigurationError(
                f"path {path!r}: nvcc cannot compile a file with {' '.join(found)} in its path",
                hint="rename the file or the folder",
            )


def host_command(host: Compiler) -> tuple[str, tuple[str, ...]]:
    """Return the program of a C++ compiler, and what it is always given.

    >>> host_command(Compiler(("ccache", "g++", "-m64"), "gcc", "g++ 12"))
    ('g++', ('-m64',))
    """
    words = list(itertools.takewhile(lambda word: word[:1] != "-", host.command))
    return words[-1], host.command[len(words) :]


def default_architectures(known: Iterable[str]) -> tuple[str, ...]:
    """Return what is compiled for where nothing is declared: the first of every generation.

    The newest comes with code that later GPUs compile themselves. It is what nvcc's own
    ``-arch=all-major`` stands for, which older releases do not have. No GPU is asked.

    >>> default_architectures(["8.0", "8.6", "9.0", "9.0a", "7.5"])
    ('7.5', '8.0', '9.0+PTX')
    """
    generations: dict[int, int] = {}
    for name in known:
        if not name.endswith(("a", "f")):  # for one GPU, or one family, alone
            major, minor = map(int, name.split("."))
            generations[major] = min(minor, generations.get(major, minor))
    names = [f"{major}.{minor}" for major, minor in sorted(generations.items())]
    return (*names[:-1], f"{names[-1]}+PTX")


def _quoted(word: str) -> str:
    option, _, value = word.partition("=")
    escaped = re.sub(r'([\\",])', r"\\\1", shlex.quote(value))
    return f"{option}={escaped}"
