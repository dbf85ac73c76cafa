"""The wheel, built and installed elsewhere, is complete: packages, configs, and a run from it."""

import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("acoustics", "asr_models", "configs", "corpora", "evaluation", "otoscope", "probes")
FILES = ("pyproject.toml", "README.md", "LICENSE")

LIST = f"""
import importlib, pkgutil
from pathlib import Path
import otoscope.configuration
for name in {PACKAGES!r}:
    package = importlib.import_module(name)
    print("package", package.__file__)
    for module in pkgutil.walk_packages(package.__path__, name + "."):
        if not module.name.endswith("__main__"):
            print("module", importlib.import_module(module.name).__file__)
for path in otoscope.configuration.shipped_config("").rglob("*.yaml"):
    print("config", path)
"""


def call(*command: str | Path, **settings) -> str:
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, **settings)
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder into which the wheel was installed."""
    folder = tmp_path_factory.mktemp("wheel")
    source, target = folder / "source", folder / "installed"
    source.mkdir()
    for name in PACKAGES:  # a copy: building leaves things behind
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        shutil.copy(ROOT / name, source / name)
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "-q")
    # Without an isolated environment there is nothing to download, if setuptools is new enough.
    known = int(version("setuptools").split(".")[0]) >= 77
    alone = ["--no-build-isolation"] if known else []
    call(*pip, "wheel", "--no-deps", *alone, "-w", folder, source)
    (wheel,) = folder.glob("otoscope-*.whl")
    call(*pip, "install", "--no-deps", "--target", target, wheel)
    return target


@pytest.fixture(scope="module")
def elsewhere(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """Settings of processes that see the installed packages and not the source."""
    env = {**os.environ, "PYTHONPATH": str(installed)}
    return {"env": env, "cwd": tmp_path_factory.mktemp("elsewhere")}


@pytest.mark.slow
def test_all_packages_and_configs_are_in_it(installed: Path, elsewhere) -> None:
    said = [
        line.split(" ", 1)
        for line in call(sys.executable, "-c", LIST, **elsewhere).split("\n")[:-1]
    ]
    found = {Path(path).relative_to(installed).as_posix() for _, path in said}
    sources = {
        path.relative_to(ROOT).as_posix()
        for name in PACKAGES
        for path in (ROOT / name).rglob("*")
        if path.suffix in (".py", ".yaml") and path.name != "__main__.py"
    }
    assert found == sources
    for name in (
        *(f"{package}/py.typed" for package in PACKAGES),
        *(
            path.relative_to(ROOT).as_posix()
            for folder in ("templates", "static")
            for path in (ROOT / "evaluation/atlas" / folder).iterdir()
        ),
        *(f"otoscope/listen_page/page.{end}" for end in ("html", "css", "js")),
        "otoscope/listen_page/icon.svg",
    ):
        assert (installed / name).is_file()


@pytest.mark.slow
def test_the_tiny_experiment_runs_from_it(installed: Path, elsewhere, tmp_path: Path) -> None:
    command = installed / "bin" / "otoscope"
    less = ["--models", "[baseline]", "--probe.layers", "[cnn1]", "--loggers", "[]"]
    less += ["--evaluation.quality", "[stoi]", "--evaluation.conditions", "[clean]"]
    config = installed / "configs" / "experiments" / "tiny.yaml"
    said = call(command, "run", "-c", config, *less, "--output", tmp_path / "run", **elsewhere)
    assert "baseline · clean" in said
    assert (tmp_path / "run" / "report" / "index.html").is_file()
    assert str(ROOT) not in (tmp_path / "run" / "config.yaml").read_text()
