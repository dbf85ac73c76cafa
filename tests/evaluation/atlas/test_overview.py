"""The first page: every number is there, safe against its data, honest about what is missing."""

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from acoustics.errors import UserError
from evaluation.atlas.build import PAGES, build_atlas

CONFIG = """
corpus:
  class_path: corpora.librispeech.LibriSpeechCorpus
  init_args: {root: /data/speech, train: [a, b], test: null, seed: 0}
snr_ranges_db: {babble: [0.0, 12.0]}
baseline: {max_steps: 850, noisy_fraction: 0.0}
robust: {max_steps: 1050, noisy_fraction: 0.85, clean_epochs: 1}
"""
EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&"
PLOTS = ("plot", "plot tall")


class Page(HTMLParser):
    """Elements, attributes and text of a page; scripts apart."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    @property
    def figures(self) -> dict[str, Any]:
        text = (self.path.parent / "data/overview.js").read_text(encoding="utf-8")
        return dict(json.loads(text[text.index(",") + 1 : text.rindex(")")]))


def overview(run: Path) -> Page:
    return Page(build_atlas(run).path)


@pytest.fixture(scope="module")
def page(whole_run: Path) -> Page:
    return overview(whole_run)


def test_all_pages_are_there_and_need_nothing_from_outside(page: Page) -> None:
    root = page.path.parent
    for address, title in PAGES.values():
        one = Page(root / address)
        assert title in one.text
        links = [
            str(value) for _, attributes in one.elements for name, value in attributes.items()
            if name in ("src", "href", "srcset", "data", "action")
        ]  # fmt: skip
        local = [re.sub("#.*", "", link) for link in links if link != "data:,"]
        assert all(not link or (root / link).is_file() for link in local), local
        policy = [a["content"] for t, a in one.elements if t == "meta" and "http-equiv" in a]
        assert "default-src 'none'" in str(policy) and "unsafe-eval" not in str(policy)
        assert [a["aria-current"] for _, a in one.elements if "aria-current" in a] == ["page"]
    assert "not everything is here" not in page.text.lower()


def test_every_metric_model_and_condition_is_there(page: Page) -> None:
    for word in ("EER", "STOI", "ESTOI", "PESQ wide-band", "WER", "CER", "mel L1", "minDCF"):
        assert word in page.text
    plots = {a["id"] for t, a in page.elements if t == "div" and a.get("class", "") in PLOTS}
    assert plots == set(page.figures)
    metas = [trace["meta"] for f in page.figures.values() for trace in f["data"] if "meta" in trace]
    assert {m["model"] for m in metas if "model" in m} >= {"baseline", "robust", "untrained"}
    assert {m["condition"] for m in metas if "condition" in m} == {"clean", "snr0"}
    assert page.text.index("Table of EER") < page.text.index("Table of STOI")


def test_counts_failures_and_what_made_it_are_shown(page: Page) -> None:
    assert "n 118" in page.text and "2 failed" in page.text
    assert "no speech found in the reference" in page.text
    assert "m09-0003" in page.text and "0.10 s is shorter than 0.25 s" in page.text
    assert "corpora.embedded.X" in page.text and "2.11.0" in page.text and "1234" in page.text
    assert (
        "the command was not recorded (Otoscope 0.1.0)" in page.text and "ICASSP 2020" in page.text
    )


def test_data_cannot_become_markup(run_folder: Path) -> None:
    for path in run_folder.rglob("*"):
        if path.suffix in (".csv", ".yaml", ".json") and path.is_file():
            text = path.read_text()
            evil = EVIL.replace('"', '""') if path.suffix == ".csv" else EVIL.replace('"', "")
            for word in ("blstm2", "no speech found in the reference", "0.10 s", "2.11.0"):
                fresh = f'"{word}{evil}"' if path.suffix == ".csv" else word + evil
                text = re.sub(rf"(?<![\w/]){re.escape(word)}(?= is|,|\n|\")[^,\n\"]*", fresh, text)
            path.write_text(text)
    page = overview(run_folder)
    for address, _ in PAGES.values():
        one = Page(page.path.parent / address)
        assert all(a.get("src", "").startswith("static/") for t, a in one.elements if t == "script")
        assert not any(name.startswith("on") for _, attrs in one.elements for name in attrs)
    assert "img" not in [tag for tag, _ in page.elements]
    assert "blstm2</script>" in page.text
    figures = json.dumps(page.figures)
    assert "&lt;/script&gt;" in figures and "blstm2</script>" not in figures
    for path in (page.path.parent / "data").rglob("*.js"):
        assert "<" not in path.read_text(encoding="utf-8")


def test_half_a_run_says_what_is_missing(run_folder: Path) -> None:
    for name in ("summary.csv", "samples.csv", "scores.csv", "environment.json", "failures.csv"):
        (run_folder / name).unlink()
    shutil.rmtree(run_folder / "recognisers")
    text = overview(run_folder).text
    assert "Not everything is here" in text
    for words in ("summary.csv: missing", "samples.csv: missing", "recognisers/*/curves.csv"):
        assert words in text
    assert "Nothing has been scored yet" in text


def test_only_a_config(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("seed: 1\n")
    page = overview(tmp_path)
    assert "Nothing has been scored yet" in page.text
    assert all((page.path.parent / address).is_file() for address, _ in PAGES.values())


def test_broken_tables_are_named_and_the_rest_is_shown(run_folder: Path) -> None:
    summary = run_folder / "summary.csv"
    summary.write_text(summary.read_text() + "baseline,clean,bls")
    (run_folder / "stages.json").write_text('[{"stage": "probes"}, 3]')
    (run_folder / "environment.json").write_text("{")
    (run_folder / "scores.csv").write_text("a,b\n1,2\n")
    (run_folder / "recognisers/baseline/layers.json").write_text('[{"name": "cnn1"}]')
    page = overview(run_folder)
    for words in ("summary.csv: 1 incomplete row(s)", "environment.json: cannot be read",
                  "scores.csv: has no column", "baseline/layers.json: cannot be read"):  # fmt: skip
        assert words in page.text
    assert "n 118" in page.text


def test_all_failed_metric_is_a_dash(run_folder: Path) -> None:
    rows = (run_folder / "summary.csv").read_text().splitlines()
    cells = [line.split(",") for line in rows]
    for cell in cells[1:]:
        if cell[4] == "stoi":
            cell[6:] = ["", "nan", "", "0", "120"]
    (run_folder / "summary.csv").write_text("\n".join(",".join(cell) for cell in cells) + "\n")
    text = overview(run_folder).text
    assert "n 0" in text and "120 failed" in text and "NaN" not in text


def test_user_errors_are_one_line(tmp_path: Path, run_folder: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    shutil.rmtree(run_folder / "report", ignore_errors=True)
    (run_folder / "report").write_text("in the way")
    for path in (tmp_path / "none", tmp_path / "empty", tmp_path / "file", run_folder):
        with pytest.raises(UserError) as error:
            build_atlas(path)
        assert str(path) in str(error.value) and "\n" not in str(error.value)


def test_a_failed_write_leaves_the_old_pages(
    run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = build_atlas(run_folder).path
    before = path.read_bytes()
    (run_folder / "environment.json").write_text('{"seed": 77}')

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(UserError, match="No space left"):
        build_atlas(run_folder)
    assert path.read_bytes() == before
    assert not [file for file in path.parent.rglob("*") if file.name.startswith(".")]


def test_the_same_run_gives_the_same_atlas_and_nothing_is_made_twice(run_folder: Path) -> None:
    first = build_atlas(run_folder)
    files = {path: path.stat().st_mtime_ns for path in first.path.parent.rglob("*")}
    again = build_atlas(run_folder)
    assert again.made == 0 and again.megabytes == first.megabytes
    assert {path: path.stat().st_mtime_ns for path in first.path.parent.rglob("*")} == files


def test_models_of_an_earlier_configuration_are_left_out(run_folder: Path) -> None:
    built = build_atlas(run_folder, models=["baseline"])
    page = Page(built.path)
    boxes = [a["value"] for t, a in page.elements if t == "input" and a.get("name") == "model"]
    assert boxes == ["baseline"]
    metas = [t["meta"] for f in page.figures.values() for t in f["data"] if "meta" in t]
    assert {meta["model"] for meta in metas if "model" in meta} == {"", "baseline"}
    layers, references = 9 * 2 * 3, 2 * 3  # utterances; equal references share a sound
    assert built.sounds == layers + references


def test_it_says_what_was_studied_and_what_is_evidence(page: Page, studied_run: Path) -> None:
    for words in ("what was studied", "nothing: random weights", "own wer, clean", "3 male"):
        assert words in page.text.lower()
    (studied_run / "recognisers/robust/recogniser.json").write_text('{"class_path": "mine.Net"}')
    (studied_run / "config.yaml").write_text(CONFIG)
    (studied_run / "environment.json").write_text('{"command": "otoscope run -c a.yaml"}')
    mixed = "condition,kind,snr_db\nsnr0,babble,0\nsnr0,babble,0\nsnr0,music,0\n"
    (studied_run / "mixtures.csv").write_text(mixed)
    (studied_run / "trials.csv").write_text("target\n1\n0\n0\n")
    other = studied_run / "sonification/environment.json"
    other.write_text('{"command": "otoscope sonify .", "versions": {"otoscope": "9.9.9"}}')
    said = " ".join(overview(studied_run).text.split())
    for words in (
        "850 steps on clean speech", "1,050 steps on speech with noise in 85 % (babble 0 to 12 dB)",
        "; the first epoch clean", "Net", "snr0: noise at 0 dB SNR (babble 2, music 1)",
        "3: 1 of one speaker, 2 of two", "LibriSpeech: train a and b", "otoscope run -c a.yaml",
        "sonification/: otoscope sonify . (Otoscope 9.9.9)", "blstm9: one score is lost",
        "sonification/environment.json: this part is of Otoscope 9.9.9",
        "call `otoscope sonify` again",
    ):  # fmt: skip
        assert words in said, words
    assert "/data" not in said
    # the control is no evidence
    assert "holds 2; 2 of these the control shows too; the untrained control: holds 1" in said
    assert "cannot be said 2; the untrained control: cannot be said 1" in said
    assert "for comparison: segments It falls with depth in untrained." in said


def test_studies_without_a_run_are_told_in_one_line(sonified_run: Path) -> None:
    text = overview(sonified_run).text
    assert "only sonification were called for here; `otoscope run` adds curves" in text
    assert "summary.csv" not in text.split("Over depth")[0]
