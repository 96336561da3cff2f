# SPDX-License-Identifier: Apache-2.0
"""Builds for this machine with this machine's compilers."""

from __future__ import annotations

import logging
import os
import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ..base.errors import PREFIX
from ..ffi.process import TVMFFIProcess
from ..ffi.sdk import TVMFFISdk, prepare_sdk
from ..settings import Project
from ..toolchains import Toolchain
from ..toolchains.discovery import find_toolchain
from ..toolchains.driver_stub import add_driver_stub
from ..toolchains.launcher import find_launcher
from ..toolchains.nvcc import NvccCompiler
from ..toolchains.recorder import build_recorder
from ..toolchains.sanitizers import run_time_variables
from ..toolchains.toolkit_link import link_toolkit
from .link_errors import check_no_python_symbols
from .request import BuildRequest, BuiltLibrary

logger = logging.getLogger(__name__)


class NativeHost:
    """Builds with the GCC, Clang, MSVC, nvcc or hipcc of this machine."""

    def tools(
        self, request: BuildRequest, languages: frozenset[str], process: TVMFFIProcess
    ) -> tuple[Toolchain, TVMFFISdk]:
        """Find the compilers. Copy apache-tvm-ffi's headers and library to the build folder."""
        root, project = request.root, request.project
        declared = project.settings.compiler_launcher
        place = project.place("compiler_launcher")
        launcher = None if declared is None else find_launcher(declared, where=place)
        toolchain = find_toolchain(
            languages,
            root,
            request.platform,
            project=project,
            launcher=launcher,
            extensions=request.extensions,
        )
        cuda = toolchain.devices.get("cuda")
        if isinstance(cuda, NvccCompiler):
            stub = Path(request.folder, "cuda-driver")
            host = toolchain.compilers["cxx"]
            cuda = add_driver_stub(cuda, request.extensions, host, root, stub)
            cuda = link_toolkit(cuda, root, Path(request.folder, "cuda-toolkit"))
            toolchain = replace(
                toolchain,
                compilers={**toolchain.compilers, "cuda": cuda.compiler},
                devices={**toolchain.devices, "cuda": cuda},
            )
        sdk = prepare_sdk(root, Path(request.folder, "apache-tvm-ffi"), process)
        _prepare_for_sanitizer(toolchain, project, process)
        if any(settings.stubs != "none" for settings in request.extensions):
            compiler = toolchain.compilers.get("c") or toolchain.compilers["cxx"]
            process.recorder = build_recorder(compiler, sdk, root, Path(request.folder, "recorder"))
        return toolchain, sdk

    def check(
        self,
        libraries: Sequence[BuiltLibrary],  # noqa: ARG002 - the linker has checked the symbols
        new: Sequence[BuiltLibrary],
        request: BuildRequest,
        toolchain: Toolchain,
    ) -> dict[str, str]:
        """Reject new libraries that reference CPython. Return no warnings."""
        for library in new:
            file = request.root / library.plan.library
            check_no_python_symbols(file, library.settings.name, toolchain)
        return {}


def _prepare_for_sanitizer(toolchain: Toolchain, project: Project, process: TVMFFIProcess) -> None:
    """If the build uses a sanitizer, make the child process load the sanitizer's runtime.

    Also log the environment variables that load the runtime. Users must set these variables when
    they start a Python that imports the library.

    :param process: the child process that imports `tvm_ffi`.
    """
    build_type = project.settings.build_type
    linking = toolchain.compilers.get("cxx") or toolchain.compilers["c"]
    variables = run_time_variables(build_type, linking, os.environ, system=toolchain.system)
    if variables:
        process.set_variables(variables)
        words = " ".join(f"{name}={shlex.quote(value)}" for name, value in variables.items())
        logger.info("%s: start Python for the %s with %s", PREFIX, build_type, words)
