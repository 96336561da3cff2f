# SPDX-License-Identifier: Apache-2.0
"""Sessions that check this repository. ``.ci/run`` runs the same commands."""

from __future__ import annotations

import nox

nox.options.sessions = ["tests", "lint", "docs"]


def _install(session: nox.Session, extra: str) -> None:
    session.install("./setuptools-tvm-ffi", f".[{extra}]")


@nox.session
def tests(session: nox.Session) -> None:
    """Run the quick tests; arguments after ``--`` are passed to pytest."""
    _install(session, "test")
    session.run("pytest", *session.posargs)


@nox.session
def long(session: nox.Session) -> None:
    """Run the long end-to-end tests; arguments after ``--`` are passed to pytest."""
    _install(session, "test")
    session.run("pytest", "-m", "long", "--durations=25", *session.posargs)


@nox.session
def edits(session: nox.Session) -> None:
    """Compare incremental builds with clean builds: 300 edits, 100 kills, 8 parallel builds."""
    _install(session, "test")
    session.run("pytest", "-m", "edits", "--durations=0", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, layers, types and workflows."""
    # mypy also checks the tests, which import packages of the extra `test`.
    _install(session, "test,lint")
    session.run(".ci/lint", external=True)


@nox.session
def docs(session: nox.Session) -> None:
    """Check the generated files, and build the manual into ``build/manual``."""
    _install(session, "docs")
    session.run("python", "docs/regenerate.py", "--check")
    _build_manual(session, "html")


@nox.session
def links(session: nox.Session) -> None:
    """List the manual's links to other sites, and request each; needs a network."""
    _install(session, "docs")
    _build_manual(session, "linkcheck")


def _build_manual(session: nox.Session, builder: str) -> None:
    strict = ("--fail-on-warning", "--keep-going", "--nitpicky", "--quiet")
    session.run("sphinx-build", *strict, "-b", builder, "docs", "build/manual")


@nox.session
def bench(session: nox.Session) -> None:
    """Measure build times; run nothing else on the machine meanwhile.

    Arguments after ``--``: optionally a git revision, to also compare builds without changes with
    the plugin of that revision; then options of ``benchmarks/build_time.py``.
    """
    arguments = session.posargs
    revision = arguments[:1] if arguments and not arguments[0].startswith("-") else []
    session.run("python", "benchmarks/build_time.py", *arguments[len(revision) :])
    if revision:
        session.run("python", "benchmarks/no_op_time.py", *revision)
