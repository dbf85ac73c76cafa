"""The files of an atlas: each once, within a bound, and nothing left that no page wants."""

import json
import re
from pathlib import Path

import pytest

from acoustics.errors import UserError
from evaluation.atlas.manifest import FORM, MANIFEST, key_of, refuse_other_files
from evaluation.atlas.settings import AtlasSettings
from evaluation.atlas.site import Site, script_json

SETTINGS = AtlasSettings()
A, N = key_of("a"), f"{'0' * 20}.flac"


def value_of(path: Path) -> object:
    """What a shard hands over, read as a browser would."""
    text = path.read_text(encoding="utf-8")
    found = re.fullmatch(r'otoscope\.take\("([a-z0-9_/]+)", (.*)\);\n', text, re.DOTALL)
    assert found is not None
    return json.loads(found[2])


def test_a_shard_carries_any_text_and_cannot_end_its_script(tmp_path: Path) -> None:
    evil = "</script><script>alert(1)</script> & \u2028 \u2029 \" ' \\ \0"
    Site(tmp_path, SETTINGS).shard("features/0/3", {evil: [evil, 1.5, None, True]})
    path = tmp_path / "data/features/0/3.js"
    assert value_of(path) == {evil: [evil, 1.5, None, True]}
    assert not set("<>&\u2028\u2029") & set(path.read_text(encoding="utf-8"))


def test_what_is_no_number_becomes_null() -> None:
    text = script_json({"a": [float("nan"), (float("inf"), 1.0)], "b": -float("inf")})
    assert json.loads(text) == {"a": [None, [None, 1.0]], "b": None}


@pytest.mark.parametrize("name", ["../x", "a/../b", "/a", "A", "a b", "", "a//b", "a.js"])
def test_a_name_of_a_shard_cannot_leave_its_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="no name of a shard"):
        Site(tmp_path, SETTINGS).shard(name, 1)


def test_a_file_is_made_once_and_kept_while_its_key_stays(tmp_path: Path) -> None:
    calls: list[str] = []

    def make(content: bytes) -> bytes:
        calls.append(content.decode())
        return content

    def build(*keys: tuple[str, bytes]) -> tuple[list[str | None], int]:
        site = Site(tmp_path, SETTINGS)
        found = [site.file(k, "sounds", ".flac", lambda c=c: make(c)) for k, c in keys]
        return found, site.finish().made

    first, made = build(("a", b"one"), ("b", b"one"), ("c", b"two"), ("a", b"one"))
    assert calls == ["one", "one", "two"] and made == 2
    assert first[0] == first[1] == first[3] != first[2]
    again, made = build(("a", b"other"), ("c", b"other"))
    assert again == [first[0], first[2]] and made == 0 and len(calls) == 3
    only, made = build(("c", b"two"))
    assert only == [first[2]] and not (tmp_path / str(first[0])).exists()
    changed, made = build(("c2", b"three"))
    assert made == 1 and sorted(p.name for p in (tmp_path / "sounds").iterdir()) == [
        Path(str(changed[0])).name
    ]


def test_what_was_deleted_is_made_again(tmp_path: Path) -> None:
    site = Site(tmp_path, SETTINGS)
    name = site.file("a", "pictures", ".png", lambda: b"one")
    site.finish()
    (tmp_path / str(name)).unlink()
    site = Site(tmp_path, SETTINGS)
    assert not site.has("a") and site.file("a", "pictures", ".png", lambda: b"one") == name
    assert (tmp_path / str(name)).read_bytes() == b"one"


@pytest.mark.parametrize(
    "text", ["{", "[]", f'{{"form": {FORM}}}', f'{{"form": 0, "keys": {{"{A}": "sounds/{N}"}}}}',
             f'{{"form": {FORM}, "keys": {{"{A}": "../../etc/passwd"}}}}',
             f'{{"form": {FORM}, "keys": 3}}']
)  # fmt: skip
def test_a_manifest_of_another_form_is_no_manifest(tmp_path: Path, text: str) -> None:
    (tmp_path / "atlas.json").write_text(text)
    (tmp_path / "sounds").mkdir()
    (tmp_path / "sounds" / N).touch()
    site = Site(tmp_path, SETTINGS)
    assert not site.has("a") and site.file("a", "sounds", ".flac", lambda: b"x") is not None


def test_room_goes_to_what_comes_first_and_the_rest_is_counted(tmp_path: Path) -> None:
    site = Site(tmp_path, AtlasSettings(max_megabytes=0.0025))
    kept = [site.file(str(i), "sounds", ".flac", lambda i=i: bytes([i]) * 1000) for i in range(4)]
    assert [bool(name) for name in kept] == [True, True, False, False]
    assert site.left_out == 2 and site.size == 2000
    site.file("3", "sounds", ".flac", lambda: bytes(1000))
    assert site.left_out == 2, "asked for twice, left out once"
    assert site.file("0", "sounds", ".flac", lambda: None) == kept[0]  # there it is already
    assert site.file("5", "sounds", ".flac", lambda: None) is None and site.absent == 1


def test_a_build_that_was_stopped_has_not_worked_in_vain(tmp_path: Path) -> None:
    site = Site(tmp_path, SETTINGS)
    name = site.file("a", "sounds", ".flac", lambda: b"one")
    site.save()
    again = Site(tmp_path, SETTINGS)
    assert again.file("a", "sounds", ".flac", lambda: None) == name and not again.made


def test_what_is_not_of_the_atlas_stays(tmp_path: Path) -> None:
    mine = [tmp_path / name for name in ("data/thesis.csv", "pictures/cat.jpg", "README.txt")]
    old = tmp_path / f"sounds/{'0' * 20}.flac"
    for path in (*mine, old):
        path.parent.mkdir(exist_ok=True)
        path.touch()
    with pytest.raises(UserError, match="--output an empty folder"):
        refuse_other_files(tmp_path)
    Site(tmp_path, SETTINGS).finish()
    assert all(path.is_file() for path in mine) and not old.exists()
    refuse_other_files(tmp_path)
    refuse_other_files(tmp_path / "new")


def test_a_run_may_be_moved_and_its_place_is_nowhere_in_its_atlas(tmp_path: Path) -> None:
    for run in (tmp_path / "secret", tmp_path / "moved"):
        if run.name == "moved":
            (tmp_path / "secret").rename(run)
        else:
            run.mkdir()
            (run / "a.flac").write_bytes(b"sound")
        site = Site(run / "report", SETTINGS, run)
        key = f"sound {site.identity(run / 'a.flac')}"
        assert site.has(key) == (run.name == "moved")
        assert site.file(key, "sounds", ".flac", lambda: b"one")
        site.finish()
    assert "secret" not in (run / "report" / MANIFEST).read_text()
    across = run / ".." / run.name  # the same run by another way
    assert Site(across / "report", SETTINGS, across).identity(run / "a.flac") in key


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "report").write_text("in the way")
    with pytest.raises(UserError, match="report") as error:
        Site(tmp_path / "report", SETTINGS).shard("index", 1)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("wrong", [{"max_megabytes": 0.0}, {"clips": -1}])
def test_settings_refuse_what_cannot_be(wrong: dict[str, float]) -> None:
    with pytest.raises(UserError, match=next(iter(wrong))):
        AtlasSettings(**wrong)  # type: ignore[arg-type]
