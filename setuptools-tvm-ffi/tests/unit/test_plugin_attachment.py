# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest
from setuptools import Distribution, Extension
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py
from setuptools.command.dist_info import dist_info
from setuptools.command.editable_wheel import editable_wheel
from setuptools.command.egg_info import egg_info
from setuptools_tvm_ffi import TVMFFIExtension
from setuptools_tvm_ffi.plugin.attachment import attach
from setuptools_tvm_ffi.plugin.commands import mixin_of

PLAIN = {
    "bdist_wheel": bdist_wheel,
    "build_ext": build_ext,
    "dist_info": dist_info,
    "editable_wheel": editable_wheel,
    "egg_info": egg_info,
}
every_command = pytest.mark.parametrize("command", sorted(PLAIN))


class OwnBuildExt(build_ext):
    """The project's own command class."""

    ran: list[str]

    def run(self) -> None:
        self.ran = ["own"]


class OwnBuildPy(build_py):
    pass


def distribution(**attributes: Any) -> Distribution:
    ours = [TVMFFIExtension("pkg.ops", ["a.cpp"])]
    return Distribution({"name": "p", "version": "1", "ext_modules": ours, **attributes})


def attached(**attributes: Any) -> Distribution:
    made = distribution(**attributes)
    attach(made)
    return made


def lookup(of: Distribution, command: str) -> type:
    found: type = of.get_command_class(command)
    return found


@every_command
def test_a_command_class_is_extended_with_the_mixin(command: str) -> None:
    found = lookup(attached(), command)
    assert found.__mro__[1] is mixin_of(command)
    assert issubclass(found, PLAIN[command])
    assert found.__name__ == command


@every_command
def test_a_second_lookup_returns_the_same_class(command: str) -> None:
    made = attached()
    assert lookup(made, command) is lookup(made, command)
    assert lookup(made, command) is lookup(attached(), command)


def test_a_command_class_of_the_project_is_extended() -> None:
    found = lookup(attached(cmdclass={"build_ext": OwnBuildExt}), "build_ext")
    assert found.__mro__[1:3] == (mixin_of("build_ext"), OwnBuildExt)
    assert (found.__name__, found.__doc__) == ("OwnBuildExt", "The project's own command class.")


def test_a_command_class_that_is_set_after_attaching_is_extended() -> None:
    made = attached()
    lookup(made, "build_ext")
    made.cmdclass["build_ext"] = OwnBuildExt
    assert lookup(made, "build_ext").__mro__[1:3] == (mixin_of("build_ext"), OwnBuildExt)


def test_methods_of_the_project_are_called() -> None:
    command = attached(cmdclass={"build_ext": OwnBuildExt}).get_command_obj("build_ext")
    command.ensure_finalized()
    command.run()
    assert command.ran == ["own"]


def test_an_extended_class_is_not_extended_again() -> None:
    extended = lookup(attached(cmdclass={"build_ext": OwnBuildExt}), "build_ext")
    assert lookup(attached(cmdclass={"build_ext": extended}), "build_ext") is extended


def test_attaching_twice_has_no_further_effect() -> None:
    made = attached(cmdclass={"build_ext": OwnBuildExt})
    once = lookup(made, "build_ext")
    attach(made)
    assert lookup(made, "build_ext") is once
    assert lookup(made, "build_ext").__mro__.count(mixin_of("build_ext")) == 1


def test_other_commands_are_unchanged() -> None:
    made = attached(cmdclass={"build_py": OwnBuildPy})
    assert lookup(made, "build_py") is OwnBuildPy
    assert lookup(made, "install") is lookup(distribution(), "install")


@every_command
@pytest.mark.parametrize("modules", [None, [], [Extension("other", ["a.c"])]])
def test_a_distribution_without_tvm_ffi_extensions_is_unchanged(
    command: str, modules: list[Extension] | None
) -> None:
    found = lookup(attached(ext_modules=modules), command)
    assert found is lookup(distribution(ext_modules=modules), command)
    assert not issubclass(found, mixin_of(command))


def test_one_tvm_ffi_extension_among_others_is_enough() -> None:
    mixed = [Extension("other", ["a.c"]), TVMFFIExtension("pkg.ops", ["a.cpp"])]
    assert issubclass(lookup(attached(ext_modules=mixed), "build_ext"), mixin_of("build_ext"))


def test_extensions_that_are_added_after_attaching_are_found() -> None:
    made = attached(ext_modules=None)
    made.ext_modules = [TVMFFIExtension("pkg.ops", ["a.cpp"])]
    assert issubclass(lookup(made, "build_ext"), mixin_of("build_ext"))


def test_attaching_does_not_affect_other_distributions() -> None:
    attached()
    assert not issubclass(lookup(distribution(ext_modules=[]), "build_ext"), mixin_of("build_ext"))


def test_an_unknown_command_is_an_error() -> None:
    with pytest.raises(Exception, match="no_such_command"):
        attached().get_command_class("no_such_command")
