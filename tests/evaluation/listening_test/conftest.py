"""A listening test of 6 questions, built once of a made-up run; copies of it to break."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from evaluation.listening_test.folder import ListeningTest, build_test, load_test
from evaluation.listening_test.run_audio import find_audio


@pytest.fixture(scope="session")
def shared_run(heard_run: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder: read only."""
    return heard_run(tmp_path_factory.mktemp("heard") / "run")


@pytest.fixture(scope="session")
def shared_test(shared_run: Path) -> ListeningTest:
    """Its listening test: read only."""
    return build_test(find_audio(shared_run), shared_run.parent / "test", per_layer=2)


@pytest.fixture
def test(shared_test: ListeningTest, tmp_path: Path) -> ListeningTest:
    """A listening test of one's own."""
    return load_test(Path(shutil.copytree(shared_test.folder, tmp_path / "test")))
