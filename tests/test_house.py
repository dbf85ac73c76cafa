"""The house: arrows point down, libraries stay in their rooms. Imports are parsed, not run."""

import ast
import tomllib
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAY_IMPORT = {
    "acoustics": set(),
    "corpora": set(),
    "asr_models": {"acoustics", "corpora"},
    "probes": {"acoustics", "corpora", "asr_models"},
    "evaluation": {"acoustics", "corpora", "asr_models", "probes"},
    "otoscope": {"acoustics", "corpora", "asr_models", "probes", "evaluation"},
    "configs": set(),
}
SHARED = "acoustics.errors"  # UserError, which every package raises
LIGHTNING = {
    "corpora/datamodule.py",
    "corpora/speaker_datamodule.py",
    "asr_models/ctc.py",
    "probes/bank.py",
    "evaluation/callbacks.py",
    "evaluation/audiation/callback.py",
    "evaluation/masks/callback.py",
    "evaluation/sonification/callback.py",
    "evaluation/watching.py",
    "evaluation/verifiers/training.py",
    "evaluation/wandb_logger.py",  # its logger only
    "evaluation/wandb_samples.py",
}
PACKAGES = sorted(MAY_IMPORT)
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
NAMES = [path.relative_to(ROOT).as_posix() for path in FILES]


@cache
def imports(path: Path) -> set[str]:
    """Full names of all modules that a file imports anywhere, in functions too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import, line {node.lineno}"
            found.add(str(node.module))
    return found


def top(module: str) -> str:
    return module.partition(".")[0]


@pytest.mark.parametrize("name", NAMES)
def test_arrows_point_down_only(name: str) -> None:
    package = top(name.replace("/", "."))
    ours = {module for module in imports(ROOT / name) if top(module) in MAY_IMPORT}
    above = {m for m in ours if top(m) not in MAY_IMPORT[package] | {package} and m != SHARED}
    assert not above


def test_lightning_stays_in_its_rooms() -> None:
    users = {n for n in NAMES if "lightning" in {top(m) for m in imports(ROOT / n)}}
    assert {name for name in users if not name.startswith("otoscope/")} <= LIGHTNING
    assert not {n for n in NAMES if "pytorch_lightning" in {top(m) for m in imports(ROOT / n)}}


def test_a_callback_is_a_thin_shell() -> None:
    """Beside its arguments, which are its schema, about fifty lines without docstrings."""
    studies = (f"evaluation/{study}/callback.py" for study in ("sonification", "audiation"))
    for name in ("evaluation/callbacks.py", *studies, "evaluation/watching.py"):
        text = (ROOT / name).read_text()
        for shell in ast.walk(ast.parse(text)):
            if not isinstance(shell, ast.ClassDef):
                continue
            hooks = [f for f in shell.body if isinstance(f, ast.FunctionDef)]
            lines = [
                line
                for hook in hooks
                if hook.name != "__init__"
                for statement in hook.body[bool(ast.get_docstring(hook)) :]
                for line in text.splitlines()[statement.lineno - 1 : statement.end_lineno]
            ]
            assert 0 < len(lines) <= 50, (name, shell.name, len(lines))


def test_wandb_is_imported_in_two_files() -> None:
    users = {n for n in NAMES if "wandb" in {top(m) for m in imports(ROOT / n)}}
    assert users == {"evaluation/wandb_logger.py", "evaluation/wandb_samples.py"}


def test_no_drawer_for_odds_and_ends() -> None:
    assert not {name for name in NAMES if "util" in name or "helper" in name or "common" in name}


def test_configuration_reads_signatures_not_strings() -> None:
    for name in NAMES:  # jsonargparse and the shape checker want the types themselves
        found = imports(ROOT / name)
        assert "__future__" not in found or not found & {"jaxtyping", "lightning"}, name


def test_every_package_is_shipped_and_typed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    listed = set(project["tool"]["setuptools"]["packages"])
    folders = {p.relative_to(ROOT).parent.as_posix().replace("/", ".") for p in FILES}
    assert folders <= listed
    assert not [p for p in PACKAGES if not (ROOT / p / "py.typed").is_file()]
    assert not (ROOT / "tests" / "__init__.py").exists()


def test_package_files_hold_a_docstring_only() -> None:
    for package in PACKAGES:
        body = ast.parse((ROOT / package / "__init__.py").read_text()).body
        assert len(body) == 1, package
        assert isinstance(body[0], ast.Expr)
