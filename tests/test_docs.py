"""The documentation says what the code says: references, links, commands, the parts of a page."""

import importlib.util
import re
import shlex
import sys
from pathlib import Path
from types import ModuleType

import pytest
from jsonargparse import ArgumentParser

from evaluation.sonification.export import FINDINGS, SCHEMAS
from otoscope.audiate import audiate_parser
from otoscope.cli import COMMANDS
from otoscope.configuration import experiment_parser
from otoscope.mask import mask_parser
from otoscope.sonify import sonify_parser

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.glob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"])
METHODS = ("probing", "sonification", "audiation", "masks")
PARTS = ["What it asks", "How it is computed", "How to read it", "What it cannot say", "Source"]


def load(name: str) -> ModuleType:
    """A script of docs/generate, as if it were called."""
    place = DOCS / "generate"
    sys.path.insert(0, str(place))
    try:
        spec = importlib.util.spec_from_file_location(name, place / f"{name}.py")
        assert spec is not None and spec.loader is not None
        found = importlib.util.module_from_spec(spec)
        sys.modules[name] = found
        spec.loader.exec_module(found)
        return found
    finally:
        sys.path.remove(str(place))


def slug(heading: str) -> str:
    """GitHub's name of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def prose(page: Path) -> str:
    """A page without its blocks of code."""
    return re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("name", ["make_configs", "make_files"])
def test_a_reference_is_what_its_script_makes(name: str) -> None:
    made = load(name)
    again = f"call `python docs/generate/{name}.py`"
    assert made.PAGE.read_text(encoding="utf-8") == made.page(), again


def test_every_table_of_sonification_is_in_the_reference() -> None:
    text = (DOCS / "files.md").read_text()
    assert all(f"`sonification/*/{name}.csv`" in text for name in SCHEMAS | FINDINGS)


@pytest.mark.parametrize(
    ("path", "file", "fits"),
    [
        ("samples/*/*.png", "samples/a/b.png", True),
        ("samples/*/*.png", "samples/b.png", False),
        ("samples/*/*.png", "samples/a/c/b.png", False),
        ("report/**", "report/data/index.js", True),
        ("scores.csv", "scores.csv", True),
        ("scores.csv", "scores_csv", False),
    ],
)
def test_a_pattern_means_names_or_paths(path: str, file: str, fits: bool) -> None:
    assert bool(load("make_files").pattern(path).fullmatch(file)) is fits


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if link.startswith("http"):
            continue
        path, _, heading = link.partition("#")
        target = (page.parent / path) if path else page
        assert target.exists(), link
        if heading:
            headings = re.findall(r"^#+ (.*)$", prose(target), re.MULTILINE)
            assert heading in map(slug, headings), link


@pytest.mark.parametrize("method", METHODS)
def test_a_method_has_the_same_parts_in_the_same_order(method: str) -> None:
    found = re.findall(r"^## (.*)$", prose(DOCS / f"{method}.md"), re.MULTILINE)
    assert [heading for heading in found if heading in PARTS] == PARTS


@pytest.fixture(scope="module")
def parsers() -> dict[str, ArgumentParser]:
    """Of the commands whose options are keys of settings."""
    run = experiment_parser()
    run.add_argument("--output")
    made = {"sonify": sonify_parser(), "audiate": audiate_parser(), "mask": mask_parser()}
    return {"run": run, **made}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_and_their_options_exist(page: Path, parsers: dict[str, ArgumentParser]) -> None:
    blocks = re.findall(r"^```sh\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    for words in (shlex.split(line, comments=True) for line in lines):
        if words[:1] != ["otoscope"]:
            continue
        assert words[1] in COMMANDS, words
        if words[1] not in parsers:
            continue
        known = {option for a in parsers[words[1]]._actions for option in a.option_strings}
        groups = {option.partition(".")[0] for option in known}
        for word in words[2:]:
            option = word.partition("=")[0]
            if re.match(r"-[a-z-]", option):
                head, dot, _ = option.partition(".")
                assert option in known or (dot and head in groups) or option == "--print_config"
