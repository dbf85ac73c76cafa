"""A folder that one command at a time works in: every command complains in words of its own."""

import errno
import os
from pathlib import Path

import pytest

from acoustics.errors import UserError
from otoscope.locking import Work, alone, locked

WORK = Work("sing", "join in", "sing elsewhere", "the song is kept")
FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/disk/song")


def test_the_second_one_is_kept_out_until_the_first_is_done(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    with locked(folder, WORK):
        with pytest.raises(UserError) as refused, locked(folder, WORK):
            pytest.fail("two at work in one folder")
        assert str(refused.value) == f"{folder}: another otoscope sing is at work there; join in"
    with locked(folder, WORK):
        pass


def test_alone_leaves_nothing_and_lets_a_run_work_beside_it(tmp_path: Path) -> None:
    with locked(tmp_path / "run"), alone(tmp_path / "run", WORK):
        before = sorted(tmp_path.rglob("*"))
        with (
            pytest.raises(UserError, match="another otoscope sing is at work; join in"),
            alone(tmp_path / "run", WORK),
        ):
            pytest.fail("two at work on the same pages")
    with alone(tmp_path / "run", WORK):
        assert sorted(tmp_path.rglob("*")) == before


def test_a_full_disk_and_a_folder_that_cannot_be_made_name_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(UserError) as full, locked(tmp_path, WORK):
        raise FULL
    assert str(full.value) == (
        f"{tmp_path}: /disk/song: No space left on device; free some space or sing elsewhere, "
        "the song is kept"
    )
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError) as refused, locked(tmp_path / "file" / "run", WORK):
        pytest.fail("a folder below a file")
    assert str(refused.value).endswith("cannot be written to (Not a directory); sing elsewhere")


def test_a_run_says_that_its_stages_are_kept(tmp_path: Path) -> None:
    with pytest.raises(UserError) as full, locked(tmp_path):
        raise FULL
    assert str(full.value).endswith("or choose another --output, finished stages are kept")


def test_a_closed_pipe_is_no_matter_of_the_folder(tmp_path: Path) -> None:
    with pytest.raises(BrokenPipeError), locked(tmp_path, WORK):
        raise BrokenPipeError
