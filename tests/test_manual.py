# SPDX-License-Identifier: Apache-2.0
"""Check the manual: its links and quoted messages, and its code blocks, see `doc_blocks`."""

from __future__ import annotations

import ast
import contextlib
import functools
import importlib.util
import math
import re
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from doc_blocks import (
    CODE,
    DOCS,
    MARKERS,
    SHOWN,
    Block,
    Section,
    commands,
    contains,
    missing_line,
    outputs,
    pages,
    script,
    sections,
)
from environments import LEFT_OUT, REPOSITORY, Environment, make_environment
from packaging.requirements import Requirement
from setuptools_tvm_ffi.settings.parser import parse_project

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PLUGIN = REPOSITORY / "setuptools-tvm-ffi" / "src" / "setuptools_tvm_ffi"
TROUBLESHOOTING = DOCS / "troubleshooting.md"

PAGES = pages()
SECTIONS = [section for page in PAGES for section in sections(page)]
BLOCKS = [block for section in SECTIONS for block in section.blocks]
PROJECTS = [section for section in SECTIONS if section.project is not None]
#: The processor time of all commands of a page, in seconds, compilers included.
LIMITS = {"getting-started": 60.0}


def is_installed(name: str) -> bool:
    return shutil.which(name) is not None or importlib.util.find_spec(name) is not None


def blocks_with(marker: str) -> list[Block]:
    return [block for block in BLOCKS if marker in block.markers]


def test_every_block_of_code_is_run_or_says_why_it_is_not() -> None:
    unchecked = [
        f"{block} ({block.language})"
        for section in SECTIONS
        for block in section.blocks
        if block.language not in SHOWN
        and not (MARKERS - {"needs", "fails"}) & set(block.markers)
        and not (section.project is not None and block.is_run)
    ]
    assert unchecked == []
    assert {block.language for block in BLOCKS} <= CODE | SHOWN


@pytest.mark.parametrize("block", [b for b in BLOCKS if b.language == "toml"], ids=str)
def test_the_settings_parser_accepts_every_toml_block(block: Block) -> None:
    document = tomllib.loads(block.text)
    parse_project(document.get("tool", {}).get("setuptools-tvm-ffi", {}))


@pytest.mark.parametrize("block", blocks_with("from"), ids=str)
def test_a_quoted_file_contains_the_block(block: Block) -> None:
    assert contains(REPOSITORY / block.markers["from"], block.text)


@pytest.mark.parametrize("block", blocks_with("checked by"), ids=str)
def test_the_test_that_checks_a_block_names_the_page(block: Block) -> None:
    text = (REPOSITORY / block.markers["checked by"]).read_text(encoding="utf-8")
    assert f"docs/{block.page.relative_to(DOCS).as_posix()}" in text


@pytest.mark.parametrize("block", blocks_with("needs"), ids=str)
def test_what_a_block_needs_is_installed(block: Block) -> None:
    needed = block.markers["needs"]
    assert needed
    if not is_installed(needed):
        pytest.skip(f"{needed} is not installed, so that {block} is not run")


@pytest.mark.parametrize("block", blocks_with("not run"), ids=str)
def test_a_block_that_is_not_run_has_a_reason(block: Block) -> None:
    assert block.markers["not run"]


@pytest.mark.parametrize(
    ("comment", "error"),
    [("<!-- not runn: HIP -->", "unknown comment"), ("<!-- not run: HIP -->", "no end")],
)
def test_a_comment_or_a_fence_with_a_mistake_is_an_error(
    comment: str, error: str, tmp_path: Path
) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"{comment}\n```sh\nhipcc\n")
    with pytest.raises(ValueError, match=error):
        sections(page)


def test_a_project_runs_its_blocks_in_order_in_one_shell(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "<!-- project: empty -->\n\n"
        "```sh\nmkdir folder\ncd folder\n```\n\n"
        "<!-- file: csrc/a.txt -->\n```c\none\n```\n"
        "<!-- append: csrc/a.txt -->\n```c\n$two\n```\n\n"
        "```console\n$ cat \\\n    csrc/a.txt\none\n…two\n$ true\n```\n\n"
        "<!-- fails -->\n```console\n$ cat absent\n```\n\n"
        "<!-- not run: HIP -->\n```sh\nfalse\n```\n"
    )
    steps = [step for block in sections(page)[1].blocks if block.is_run for step in commands(block)]
    printed = subprocess.run(
        ["bash", "-c", script(steps)], cwd=tmp_path, check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    assert [missing_line(s.expected, o) for s, o in zip(steps, outputs(printed))] == [None] * 6
    assert "one\n$two" in outputs(printed)[3]
    assert missing_line(["three"], outputs(printed)[3]) == "three"


@pytest.fixture
def environment(
    tmp_path: Path, variables: dict[str, str], plugin_wheel: Path
) -> Iterator[Environment]:
    """An environment with pip and the plugin, as a reader of the manual has."""
    environment = make_environment(tmp_path / "venv", variables)
    environment.pip("install", "-q", "pip", plugin_wheel, cwd=tmp_path)
    yield environment
    shutil.rmtree(tmp_path / "venv")


def processor_time() -> float:
    """Return the time of all finished child processes and of their children, in seconds."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def link_with_requirements(name: str, folder: Path) -> None:
    """Link an installed distribution that is too large to install again, and its requirements."""
    distribution = metadata.distribution(name)
    tops = {file.parts[0] for file in distribution.files or ()} - {"..", "__pycache__"}
    for top in tops:
        if not top.endswith(".dist-info"):  # pip must install what a page installs
            (folder / top).symlink_to(str(distribution.locate_file(top)))
    for requirement in map(Requirement, distribution.requires or ()):
        applies = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        if applies and requirement.name != "setuptools":
            with contextlib.suppress(FileExistsError):  # Two distributions can require a third.
                link_with_requirements(requirement.name, folder)


@pytest.mark.long
@pytest.mark.parametrize("section", PROJECTS, ids=lambda s: f"{s.page.stem}-{s.project}")
def test_the_commands_of_a_project_print_what_the_page_shows(
    section: Section, environment: Environment, tmp_path: Path
) -> None:
    folder = tmp_path / "project"
    assert section.project is not None
    if section.project == "empty":
        folder.mkdir()
    else:
        shutil.copytree(REPOSITORY / section.project, folder, ignore=LEFT_OUT)
    (tmp_path / "scratch").mkdir()
    steps = [
        step
        for block in section.blocks
        if block.is_run and is_installed(block.markers.get("needs", "bash"))
        for step in commands(block)
    ]
    program = f"exec 2>&1\n{script(steps)}"
    scratch = {"SCRATCH": str(tmp_path / "scratch")}
    if is_installed("torch") and any(b.markers.get("needs") == "torch" for b in section.blocks):
        link_with_requirements("torch", tmp_path / "scratch")
        scratch["PYTHONPATH"] = str(tmp_path / "scratch")
    before = processor_time()
    process = environment.run("bash", "-c", program, cwd=folder, variables=scratch, check=False)
    seconds = processor_time() - before
    printed = outputs(process.stdout)
    last = steps[len(printed) - 1]
    assert process.returncode == 0, f"{last.block}: {last.text}\n{printed[-1]}"
    for step, output in zip(steps, printed):
        line = missing_line(step.expected, output)
        assert line is None, f"{step.block}: {step.text}: no line {line!r} in:\n{output}"
    assert seconds < LIMITS.get(section.page.stem, math.inf)


@functools.cache
def messages() -> list[str]:
    """Return the texts in the plugin's code, with ``…`` for the parts that differ."""
    found: list[str] = []
    for path in PLUGIN.rglob("*.py"):
        if "templates" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                parts = (str(v.value) if isinstance(v, ast.Constant) else "…" for v in node.values)
                found.append("".join(parts))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value.replace("%s", "…"))
    return found


def quoted_messages() -> list[str]:
    """Return the plugin's messages that are headings of the page on errors."""
    own, others, _ = TROUBLESHOOTING.read_text(encoding="utf-8").partition(
        "\n## Messages of other programs\n"
    )
    assert others
    return re.findall(r"^### `(.*)`$", own, re.MULTILINE)


def contains_in_order(text: str, words: list[str]) -> bool:
    """Return whether a text contains all words, in their order.

    >>> contains_in_order("extension 'a.b': no sources", ["extension", "no sources"])
    True
    """
    position = 0
    for word in words:
        position = text.find(word, position)
        if position == -1:
            return False
        position += len(word)
    return True


@pytest.mark.parametrize("heading", quoted_messages())
def test_the_code_contains_the_words_of_a_quoted_message(heading: str) -> None:
    words = [fragment.strip(" :;,()'.?") for fragment in heading.split("…")]
    assert len(" ".join(words).split()) > 1, "too general to search for"
    # The place of an error, which is the start of some messages, may be a text of its own.
    words = words[1:] if words[0] == "extension" else words
    assert any(contains_in_order(message, words) for message in messages())


def test_a_changed_message_would_be_noticed() -> None:
    assert not any("the libraries do not fulfil" in message for message in messages())
    assert any("the libraries do not satisfy '…'" in message for message in messages())


def markdown_files() -> list[Path]:
    """Return the pages in Markdown that link to each other."""
    folders = (REPOSITORY, REPOSITORY / "setuptools-tvm-ffi", REPOSITORY / "benchmarks")
    files = [path for folder in folders for path in folder.glob("*.md")]
    return sorted([*files, *pages(), *(REPOSITORY / "examples").glob("**/README.md")])


def without_blocks(page: Path) -> str:
    return re.sub(r"(?ms)^ *```.*?^ *```$", "", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as code hosts and MyST name them."""
    found: set[str] = set()
    for title in re.findall(r"^#+ (.*)$", without_blocks(page), re.MULTILINE):
        plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", title)
        slug = name = re.sub(r"[^\w\- ]", "", plain.lower()).strip().replace(" ", "-")
        number = 0
        while name in found:
            number += 1
            name = f"{slug}-{number}"
        found.add(name)
    return found


@pytest.mark.parametrize("page", markdown_files(), ids=lambda p: str(p.relative_to(REPOSITORY)))
def test_links_lead_to_files_and_headings_that_exist(page: Path) -> None:
    dead = []
    for target in re.findall(r"\]\((?!\w+:)([^)\s]+)\)", without_blocks(page)):
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            dead.append(target)
    assert dead == []


def test_the_side_bar_lists_every_page_once() -> None:
    configuration = ast.parse((DOCS / "conf.py").read_text(encoding="utf-8"))
    (contents,) = (
        ast.literal_eval(node.value)
        for node in configuration.body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "CONTENTS"
    )
    listed = [f"{name}.md" for names in contents.values() for name in names]
    assert sorted([*listed, "index.md"]) == sorted(
        page.relative_to(DOCS).as_posix() for page in PAGES
    )
