"""The report: one file, safe against its data, honest about what is missing."""

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

from acoustics.errors import UserError
from evaluation.report import build_report

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&"


class Page(HTMLParser):
    """Elements, attributes and text of a page; scripts apart."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.text = ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.elements and self.elements[-1][0] == "script" and self.cdata_elem == "script":
            self.scripts.append(data)
        else:
            self.text += data

    def json(self, identity: str) -> object:
        scripts = [attributes for tag, attributes in self.elements if tag == "script"]
        return json.loads(self.scripts[[s.get("id") for s in scripts].index(identity)])


@pytest.fixture(scope="session")
def page(whole_run: Path) -> Page:
    return Page(build_report(whole_run))


def test_one_file_that_needs_nothing_else(page: Page) -> None:
    addresses = [
        value
        for _, attributes in page.elements
        for name, value in attributes.items()
        if name in ("src", "href", "srcset", "data", "action")
    ]
    assert all(str(address).startswith("#") for address in addresses)
    policy = [a["content"] for t, a in page.elements if t == "meta" and "http-equiv" in a]
    assert "default-src 'none'" in str(policy)
    assert "not everything is here" not in page.text.lower()


def test_every_metric_model_and_condition_is_there(page: Page) -> None:
    for word in ("EER", "STOI", "ESTOI", "PESQ wide-band", "WER", "CER", "mel L1", "minDCF"):
        assert word in page.text
    figures = page.json("figures")
    plots = {a["id"] for t, a in page.elements if t == "div" and a.get("class", "") in PLOTS}
    assert isinstance(figures, dict) and plots == set(figures)
    metas = [trace["meta"] for f in figures.values() for trace in f["data"] if "meta" in trace]
    assert {m["model"] for m in metas if "model" in m} >= {"baseline", "robust", "untrained"}
    assert {m["condition"] for m in metas if "condition" in m} == {"clean", "snr0"}
    assert page.text.index("Table of EER") < page.text.index("Table of STOI")


PLOTS = ("plot", "plot tall")


def test_counts_and_failures_are_shown(page: Page) -> None:
    assert "n 118" in page.text and "2 failed" in page.text
    assert "no speech found in the reference" in page.text
    assert "m09-0003" in page.text and "0.10 s is shorter than 0.25 s" in page.text
    assert "corpora.embedded.X" in page.text and "2.11.0" in page.text and "1234" in page.text


def test_samples_hold_sound_and_picture(page: Page) -> None:
    samples = page.json("samples")
    assert isinstance(samples, list) and len(samples) == 3 * 2 * (3 + 3 * 9)
    assert all(sample["sound"].startswith("ZkxhQ") for sample in samples)  # fLaC
    assert all(sample["image"].startswith("iVBOR") for sample in samples)
    assert samples[0]["layer"] == "natural" and samples[0]["text"]
    assert samples[0]["seconds"] == pytest.approx(0.4)


@pytest.mark.parametrize("limit", [6.0, 7.0, 0.0])
def test_size_is_bounded_and_said(run_folder: Path, limit: float) -> None:
    path = build_report(run_folder, max_megabytes=limit)
    page = Page(path)
    samples = page.json("samples")
    assert isinstance(samples, list)
    inside = [sample for sample in samples if "sound" in sample]
    assert limit == 0.0 or path.stat().st_size <= limit * 1e6
    assert len(inside) < len(samples) and (len(inside) > 0) == (limit > 0)
    assert f"{len(samples) - len(inside)} of {len(samples)} samples are not inside" in page.text
    first = [sample["utterance"] for sample in inside]
    assert first == sorted(first, key=[s["utterance"] for s in samples].index)


def test_data_cannot_become_markup(run_folder: Path) -> None:
    for path in run_folder.rglob("*"):
        if path.suffix in (".csv", ".yaml", ".json") and path.is_file():
            text = path.read_text()
            evil = EVIL.replace('"', '""') if path.suffix == ".csv" else EVIL.replace('"', "")
            for word in ("blstm2", "no speech found in the reference", "0.10 s", "2.11.0"):
                fresh = f'"{word}{evil}"' if path.suffix == ".csv" else word + evil
                text = re.sub(rf"(?<![\w/]){re.escape(word)}(?= is|,|\n|\")[^,\n\"]*", fresh, text)
            path.write_text(text)
    page = Page(build_report(run_folder))
    assert [tag for tag, _ in page.elements].count("script") == 4
    assert "img" not in [tag for tag, _ in page.elements]
    assert not any(name.startswith("on") for _, attrs in page.elements for name in attrs)
    assert "blstm2</script>" in page.text
    figures = json.dumps(page.json("figures"))
    assert "&lt;/script&gt;" in figures and "blstm2</script>" not in figures


def test_half_a_run_says_what_is_missing(run_folder: Path) -> None:
    for name in ("summary.csv", "samples.csv", "scores.csv", "environment.json", "failures.csv"):
        (run_folder / name).unlink()
    shutil.rmtree(run_folder / "recognisers")
    text = Page(build_report(run_folder)).text
    assert "Not everything is here" in text
    for words in ("summary.csv: missing", "samples.csv: missing", "recognisers/*/curves.csv"):
        assert words in text
    assert "Nothing has been scored yet" in text and "nothing to listen to yet" in text


def test_only_a_config(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("seed: 1\n")
    assert "Nothing has been scored yet" in Page(build_report(tmp_path)).text


def test_broken_tables_are_named_and_the_rest_is_shown(run_folder: Path) -> None:
    summary = run_folder / "summary.csv"
    summary.write_text(summary.read_text() + "baseline,clean,bls")
    (run_folder / "stages.json").write_text('[{"stage": "probes"}, 3]')
    (run_folder / "environment.json").write_text("{")
    (run_folder / "scores.csv").write_text("a,b\n1,2\n")
    (run_folder / "audio/reference/clean/natural/f02-0001.flac").write_bytes(b"fLaC broken")
    (run_folder / "mels/baseline/clean/cnn1/f02-0001.npy").write_bytes(b"")
    page = Page(build_report(run_folder))
    assert "summary.csv: 1 incomplete row(s)" in page.text
    assert "environment.json: cannot be read" in page.text
    assert "scores.csv: has no column" in page.text
    samples = page.json("samples")
    assert isinstance(samples, list) and samples[0]["sound"] == "" and samples[0]["image"]


def test_all_failed_metric_is_a_dash(run_folder: Path) -> None:
    rows = (run_folder / "summary.csv").read_text().splitlines()
    cells = [line.split(",") for line in rows]
    for cell in cells[1:]:
        if cell[4] == "stoi":
            cell[6:] = ["", "nan", "", "0", "120"]
    (run_folder / "summary.csv").write_text("\n".join(",".join(cell) for cell in cells) + "\n")
    text = Page(build_report(run_folder)).text
    assert "n 0" in text and "120 failed" in text and "NaN" not in text


def test_user_errors_are_one_line(tmp_path: Path, run_folder: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    shutil.rmtree(run_folder / "report", ignore_errors=True)
    (run_folder / "report").write_text("in the way")
    for path in (tmp_path / "none", tmp_path / "empty", tmp_path / "file", run_folder):
        with pytest.raises(UserError) as error:
            build_report(path)
        assert str(path) in str(error.value) and "\n" not in str(error.value)


def test_a_failed_write_leaves_the_old_page(
    run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = build_report(run_folder)
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(UserError, match="No space left"):
        build_report(run_folder, max_megabytes=6)
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == ["index.html"]


def test_same_run_same_page(run_folder: Path) -> None:
    assert build_report(run_folder).read_bytes() == build_report(run_folder).read_bytes()


def test_opens_in_a_browser(whole_run: Path, tmp_path: Path) -> None:
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no chromium here to open the page with")
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"]
    flags += [
        "--disable-background-networking",
        "--disable-component-update",
        "--window-size=1280,2400",
    ]
    done = subprocess.run(
        [browser, *flags, f"--user-data-dir={tmp_path}", "--virtual-time-budget=8000",
         "--dump-dom", build_report(whole_run).as_uri()],
        capture_output=True, timeout=100, check=True,
    )  # fmt: skip
    dom = done.stdout.decode().split('<script type="application/json"')[0]
    assert dom.count('class="hear"') == 3 + 3 * 9
    assert "main-svg" in dom and 'aria-label="Play blstm5, robust, clean"' in dom
