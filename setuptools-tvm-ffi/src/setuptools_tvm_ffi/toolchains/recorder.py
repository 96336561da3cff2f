# SPDX-License-Identifier: Apache-2.0
"""Builds a library that records which global functions other libraries register.

The registry contains the docstrings of global functions, but up to apache-tvm-ffi 0.1.15.post2, no
API returns these docstrings. Libraries call a function of libtvm_ffi to register a global function.
The recorder defines a function with the same name, which calls the function of libtvm_ffi. A child
process loads the recorder before libtvm_ffi, so that the system's loader binds the calls of all
libraries to the recorder's function.

This works on ELF platforms. On Windows and macOS, each library stores, for every function that it
calls, the name of the library that defines the function. The loader searches only the named
library, so the recorder's function would never be called.
"""

from __future__ import annotations

import logging
import os
import shlex
import subprocess
import sys
from pathlib import Path

from ..base.errors import PREFIX
from ..base.file_digest import digest_of
from ..base.file_replacement import replace_file
from ..ffi.sdk import TVMFFISdk
from .protocols import Compiler, system_of

# `tvm_ffi_recorder` is a pointer to a function. The child process sets the pointer. The recorder
# calls the function for each registration.
_SOURCE = """\
#define _GNU_SOURCE
#include <dlfcn.h>
#include <tvm/ffi/c_api.h>

TVM_FFI_DLL_EXPORT void (*tvm_ffi_recorder)(const char* name, size_t name_size, const char* doc,
                                            size_t doc_size);

TVM_FFI_DLL_EXPORT int TVMFFIFunctionSetGlobalFromMethodInfo(const TVMFFIMethodInfo* info,
                                                             int allow_override) {
  // libtvm_ffi also registers functions while it is loaded. At that time, RTLD_NEXT does not find
  // libtvm_ffi in glibc (2.36). In musl (1.2), dlopen does not find libtvm_ffi by this name.
  void* tvm_ffi = dlopen("libtvm_ffi.so", RTLD_LAZY | RTLD_NOLOAD);
  int (*next)(const TVMFFIMethodInfo*, int) =
      (int (*)(const TVMFFIMethodInfo*, int))dlsym(tvm_ffi != NULL ? tvm_ffi : RTLD_NEXT,
                                                   __func__);
  int status = next(info, allow_override);
  if (status == 0 && tvm_ffi_recorder != NULL) {
    tvm_ffi_recorder(info->name.data, info->name.size, info->doc.data, info->doc.size);
  }
  return status;
}
"""

logger = logging.getLogger(__name__)


def build_recorder(compiler: Compiler, sdk: TVMFFISdk, root: Path, folder: Path) -> Path | None:
    """Build the recorder if the compiler or a header has changed. Return the path of the recorder.

    :param compiler: a C or C++ compiler.
    :param folder: the folder of the recorder, relative to `root`.
    :returns: ``None`` if this platform supports no recorder, or if the build of the recorder fails.
    """
    if system_of(sys.platform) != "linux":
        return None
    header = root / sdk.include_dirs[0] / "tvm" / "ffi" / "c_api.h"
    inputs = (_SOURCE, compiler.command, compiler.version, digest_of(header.read_bytes()))
    library = root / folder / f"recorder-{digest_of(repr(inputs).encode())[:16]}.so"
    if library.is_file():
        return library
    source = library.with_suffix(".c")
    replace_file(source, _SOURCE.encode())
    part = library.with_suffix(f".{os.getpid()}")
    command = [
        *compiler.command,
        *("-shared", "-fPIC", "-x", "c"),
        *(word for include in sdk.include_dirs for word in ("-isystem", include)),
        *(str(source), "-o", str(part)),
    ]
    result = subprocess.run(
        command, cwd=root, capture_output=True, text=True, errors="replace", check=False
    )
    if result.returncode != 0 or not part.is_file():
        logger.warning(
            "%s: warning: the build cannot read new docstrings of global functions, because the "
            "compiler cannot build the recorder, a library that reads docstrings:\n%s\n%s",
            *(PREFIX, shlex.join(command), (result.stdout + result.stderr).strip()),
        )
        return None
    os.replace(part, library)
    return library
