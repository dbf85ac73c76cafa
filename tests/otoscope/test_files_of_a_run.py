"""Every file that a run leaves is in the reference of files."""

import sys
from pathlib import Path

GENERATE = Path(__file__).parents[2] / "docs" / "generate"


def test_the_reference_knows_every_file_of_a_run(extended, monkeypatch) -> None:
    monkeypatch.setattr(sys, "path", [str(GENERATE), *sys.path])
    from make_files import undescribed

    run, _ = extended
    assert (run / "masks").is_dir() and (run / "audiation").is_dir()
    assert not undescribed(run)
