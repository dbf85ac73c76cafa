"""The report's section about sonification: what it shows, what it survives, what can be done."""

import base64
import json
import re
import shutil
from collections import Counter
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go

from evaluation.report import build_report
from evaluation.sonification.depth_trend import Claim
from evaluation.sonification.export import write_records, write_table
from evaluation.sonification.hover_map import CELLS, hover_map
from evaluation.sonification.section import sonification_section
from evaluation.sonification.study_folder import StudyFolder

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&"


def section_of(page: Path) -> str:
    return page.read_text().split('<section id="sonification"')[1].split("</section>")[0]


def data_of(page: Path) -> dict[str, Any]:
    text = page.read_text().split('id="sonification-data">')[1].split("</script>")[0]
    found: dict[str, Any] = json.loads(text)
    return found


def words_of(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def test_a_run_without_studies_has_no_section(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("seed: 1\n")
    page = build_report(tmp_path).read_text()
    assert 'id="sonification"' not in page and 'id="sonification-data"' not in page
    (tmp_path / "sonification" / "baseline").mkdir(parents=True)
    text = build_report(tmp_path).read_text()
    assert "sonification/baseline: not finished, without features, segments" in text
    assert 'id="sonification"' not in text


def test_what_was_found_is_shown_model_by_model(sonified_run: Path) -> None:
    page = build_report(sonified_run)
    text = words_of(section_of(page))
    assert '<a href="#sonification">Sonification</a>' in page.read_text()
    for said in (
        "2 speakers, 2 utterances",
        "4 1 dead 4 4",  # features of conv1, conv2, lstm1
        "female baseline 25.0 0.0 to 50.0 chance 1.0 1 sure 12.5",
        "female robust 25.0",
        "baseline 2.50 1.20 to 5.00 of 1.0 to 6.0 3.50",
        "All segments that were searched have 3.90 phones",
        "What to know of baseline (1) blstm9: one score is lost",
        "become fewer with depth holds 2 holds segments It falls with depth in baseline.",
        "cannot be said 2",
        "2 40 %",
        "sea s iː w01, female",
    ):
        assert said in text, said
    assert text.index("in baseline.") < text.index("in robust.")  # the order of the house


def test_the_overview_adds_claims_and_figures_and_has_the_last_word(sonified_run: Path) -> None:
    overview = sonified_run / "sonification" / "overview"
    claims = [
        Claim("dominance", "robust", "segments", "does not hold", "slope", 1, 1, 1, "It rises."),
        Claim("complexity", "robust", "words", "holds", "less untrained", 1, 1, 1, "It is learnt."),
        Claim("complexity", "gone", "words", "holds", "slope", 1, 1, 1, "Of nobody."),
    ]
    write_records(overview, "claims", Claim, claims)
    shutil.copytree(sonified_run / "sonification/robust/figures", overview / "figures")
    (overview / "figures/same_word.png").rename(overview / "figures/dominance.png")
    html = section_of(build_report(sonified_run))
    text = words_of(html)
    assert "holds 1, does not hold 1" in text and "It rises." in text and "It is learnt." in text
    assert "in robust." not in text and "Of nobody." not in text
    assert '<a href="../sonification/overview/figures/dominance.png">PNG</a>' in html
    assert "Features dominated by one sex, over depth" in text


def test_a_cell_of_the_heat_map_is_the_feature_it_names(sonified_run: Path) -> None:
    figure = hover_map(StudyFolder(sonified_run, "baseline", []), "segments")
    assert figure is not None
    live, dead = figure.data
    shares = {"conv1": [0.2, 0.95, 0.5, None], "conv2": [0.2, 0.95, 0.5, 0.1]}
    assert list(live.x) == ["conv1", "conv2", "lstm1"] and len(live.y) == len(live.z) == CELLS
    for column, layer in enumerate(shares):
        features = [row[column][0] for row in live.customdata]
        assert [row[column] for row in live.z] == [shares[layer][i] for i in features]
        assert [features.count(i) for i in range(4)] == [CELLS // 4] * 4
    told = {row[0][0]: row[0][1] for row in live.customdata}
    assert told == {0: "0.3", 1: "0.01", 2: "0.9", 3: "0.5"}
    assert [row[0] for row in dead.z].count(0.0) == CELLS // 4
    assert {row[0] for row in dead.customdata if row[0]} == {3}
    assert all(row[1] is None for row in dead.z)


def test_the_heat_map_of_26752_features_stays_small(tmp_path: Path) -> None:
    widths = np.full(52, 514) + (np.arange(52) < 24)
    assert widths.sum() == 26752
    rng = np.random.default_rng(0)

    def layers() -> Any:
        for depth, width in enumerate(widths.tolist(), start=1):
            shares = rng.integers(0, 21, width) / 20
            text = {"unit": "segments", "attribute": "sex", "layer": f"block{depth}.sub1"}
            cells = {name: np.full(width, value, object) for name, value in text.items()}
            yield cells | {
                "depth": np.full(width, depth), "feature": np.arange(width),
                "group": np.full(width, "male", object), "share": shares, "p": rng.random(width),
                "q": rng.random(width), "favourite": shares > 0.5,
            }  # fmt: skip

    write_table(tmp_path / "sonification" / "big", "selectivity", layers())
    figure = hover_map(StudyFolder(tmp_path, "big", []), "segments")
    assert figure is not None and len(figure.data[0].x) == 52
    assert len(figure.to_json()) < 500_000


def test_half_a_study_says_what_is_missing_and_shows_the_rest(sonified_run: Path) -> None:
    folder = sonified_run / "sonification" / "robust"
    claims = (folder / "claims.csv").read_text()
    (folder / "claims.csv").write_text(claims + '"dominance","robust","segm')
    (folder / "selectivity.parquet").write_bytes(b"PAR1 half")
    (folder / "features.parquet").unlink()
    (folder / "dominance.csv").write_text('"a","b"\n1,2\n')
    (folder / "word_features.csv").unlink()
    features = (sonified_run / "sonification/baseline/word_features.csv").read_text()
    broken = features.replace('"both"', '"nobody knows"', 1).replace(",9,", ",x,", 1)
    (sonified_run / "sonification/baseline/word_features.csv").write_text(broken)
    (folder / "clips/best0.flac").unlink()
    (sonified_run / "sonification" / "untrained").mkdir()
    (sonified_run / "sonification" / "a file").write_text("")
    page = build_report(sonified_run)
    notes = words_of(page.read_text().split('class="notes"')[1].split("</section>")[0])
    for said in (
        "sonification/robust: not finished, without word_features",
        "sonification/robust/claims.csv: 1 incomplete row(s)",
        "sonification/robust/selectivity.parquet: cannot be read",
        "sonification/robust/dominance.csv: has no column model",
        "sonification/untrained: not finished, without features",
    ):
        assert said in notes, said
    html = section_of(page)
    assert "female baseline 25.0" in words_of(html) and "It falls with depth in robust." in html
    assert '<span class="clip" title="no sound">' in html
    words = data_of(page)["words"]
    assert list(words) == ["baseline"]
    assert words["baseline"]["words"][0]["layers"][0] == [[3, 6], "mf"]


def test_texts_of_the_tables_cannot_become_markup(sonified_run: Path) -> None:
    root = sonified_run / "sonification"
    evil = EVIL.replace('"', '""')
    for path in root.rglob("*.csv"):
        cells = r'"(sea|lstm1|w01|female|segments|words|s iː|holds)"'
        text = re.sub(cells, rf'"\1{evil}"', path.read_text())
        path.write_text(re.sub("(It falls|one score)", rf"\1{evil}", text))
    shutil.copytree(root / "robust", root / "<img src=x onerror=alert(3)>")
    page = build_report(sonified_run)
    text = page.read_text()
    assert len(re.findall(r"<script\b", re.sub(r"<script>.*?</script>", "<script>", text))) == 5
    assert not re.search(r"<img src=x", section_of(page))
    assert "&lt;img src=x onerror=alert(3)&gt;" in text
    assert "It falls&lt;/script&gt;" in text
    words = [word["word"] for word in data_of(page)["words"]["baseline"]["words"]]
    assert words == [f"sea{EVIL}", "moon"]
    links = re.findall(r'(?:href|src)="([^"#]+)"', section_of(page))
    safe = ("../sonification/", "data:image/png;base64,")
    assert links and all(link.startswith(safe) and "<" not in link for link in links)


def test_paths_do_not_climb_out_of_the_study(sonified_run: Path) -> None:
    secret = sonified_run / "secret.flac"
    secret.write_bytes(b"a secret of somebody else's")
    folder = sonified_run / "sonification" / "baseline"
    pairs = (folder / "word_pairs.csv").read_text()
    pairs = pairs.replace("clips/w1.flac", "../../secret.flac").replace(
        "clips/m1.flac", str(secret)
    )
    (folder / "word_pairs.csv").write_text(pairs.replace("clips/w2.flac", "clips/link.flac"))
    (folder / "clips/link.flac").symlink_to(secret)
    (folder / "figures/same_word.png").unlink()
    (folder / "figures/same_word.png").symlink_to(secret)
    page = build_report(sonified_run)
    assert base64.b64encode(secret.read_bytes()).decode() not in page.read_text()
    assert "secret" not in section_of(page)
    voices = [word["voices"] for word in data_of(page)["words"]["baseline"]["words"]]
    nothing = {"key": "", "link": ""}
    assert voices[0]["female"].items() >= nothing.items() <= voices[0]["male"].items()
    assert voices[1]["female"].items() >= nothing.items() and voices[1]["male"]["key"]


def test_sounds_are_inside_once_and_linked_where_there_is_no_room(sonified_run: Path) -> None:
    page = build_report(sonified_run)
    data, folder = data_of(page), sonified_run / "sonification" / "baseline"
    contents = {base64.b64decode(text) for text in data["clips"].values()}
    assert contents == {path.read_bytes() for path in (folder / "clips").iterdir()}  # both models'
    voice = data["words"]["robust"]["words"][1]["voices"]["male"]
    assert base64.b64decode(data["clips"][voice["key"]]) == (folder / "clips/m2.flac").read_bytes()
    assert section_of(page).count('data-clip="') == 2 * 3 * 2
    empty = build_report(sonified_run, max_megabytes=0)
    assert data_of(empty)["clips"] == {}
    html = section_of(empty)
    assert "data-clip=" not in html and "data:image" not in html
    assert html.count('href="../sonification/robust/clips/best1.flac"') == 3
    link = data_of(empty)["words"]["baseline"]["words"][0]["voices"]["female"]["link"]
    assert (empty.parent / link).resolve() == (folder / "clips/w1.flac").resolve()


def test_the_first_words_and_the_best_segments_come_first(sonified_run: Path) -> None:
    figures: dict[str, go.Figure] = {}
    section = sonification_section(sonified_run, [], figures)
    assert section is not None and list(section.maps.values()) == list(figures)
    clips = sonified_run / "sonification" / "baseline" / "clips"
    size = {path.stem: 4 * -(-path.stat().st_size // 3) for path in clips.iterdir()}
    section.embed(size["w1"] + size["m1"] + size["best0"] // 2 + 200)
    heard = [word.voices["male"].sound.key != "" for word in section.words["robust"].words]
    assert heard == [True, False]
    assert not any(sound.key for _, sound in section.examples["baseline"].sounds())


def test_a_page_with_studies_keeps_to_its_size(sonified_run: Path) -> None:
    whole = build_report(sonified_run)
    sounds = sum(map(len, data_of(whole)["clips"].values()))
    limit = (whole.stat().st_size - sounds / 2) / 1e6
    page = build_report(sonified_run, max_megabytes=limit)
    assert page.stat().st_size <= limit * 1e6
    assert 0 < len(data_of(page)["clips"]) < 6


def test_only_models_of_the_configuration_are_shown(sonified_run: Path) -> None:
    html = section_of(build_report(sonified_run, models=["robust", "untrained"]))
    assert "in robust." in html and "baseline" not in html


KINDS = "[...document.querySelectorAll('#word-dots .dot')].map((dot) => dot.dataset.kind)"
LEGEND = """[...document.querySelectorAll('#word-legend li')]
  .map((entry) => [entry.innerText, entry.querySelector('.dot').tagName])"""
CHOOSE = """(() => { const box = document.querySelector('#word-choice'); box.value = 'moon';
  box.dispatchEvent(new Event('change')); })()"""


def test_a_word_is_chosen_and_the_switch_flipped_in_a_browser(sonified_run, with_browser) -> None:
    address = build_report(sonified_run).as_uri()

    async def script(browser: Any) -> None:
        page = await browser.page()
        await page.go(address)

        async def dots() -> dict[str, int]:
            return dict(Counter(await page.js(KINDS)))

        assert await dots() == {"both": 3, "male": 3, "female": 3, "neither": 3}
        await page.js(CHOOSE)
        assert await dots() == {"both": 6, "male": 3, "neither": 3}
        await page.click("#same-word input[value=female]")
        assert await dots() == {"female": 6, "neither": 6}
        voices = "document.querySelector('#word-voices').innerText"
        assert "woman, speaker w01" in await page.js(voices)
        await page.click("#same-word input[value=male]")
        assert await dots() == {"male": 9, "neither": 3}
        legend = [["activated by the man", "rect"], ["not activated", "circle"]]
        assert await page.js(LEGEND) == legend

        await page.js("document.querySelector('#word-dots svg').focus()")
        for key in ("ArrowDown", "ArrowRight", "ArrowDown"):
            await page.key(key)
        told = await page.js("document.querySelector('#word-told').textContent")
        assert told == "conv2, feature 3: activated by the man"

        await page.click("#word-voices button")
        pressed = "document.querySelector('#word-voices button').ariaPressed"
        await page.until(f"{pressed} === 'true'")
        await page.until(f"{pressed} === 'false'")  # a quarter of a second later
        await page.click("#word-models input[value=robust]")
        assert await page.js("document.querySelector('#word-choice').value") == "moon"
        await page.js("document.querySelector('#sonification .plot').scrollIntoView()")
        await page.until("document.querySelector('#sonification .heatmaplayer image') !== null")
        bad = ("Runtime.exceptionThrown", "Log.entryAdded")
        assert [event for event in page.events if event["method"] in bad] == []

    with_browser(script)
