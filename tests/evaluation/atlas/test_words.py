"""One word, two voices: the numbers of the tables, in a page that a browser can use."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evaluation.atlas.build import build_atlas
from evaluation.atlas.words import BLOCK, words_of
from evaluation.listening import write_audio
from evaluation.sonification.export import write_records
from evaluation.sonification.same_word import SameWordRow
from evaluation.sonification.study_folder import StudyFolder
from evaluation.sonification.word_pairs import WordFeatureRow, WordOverlapRow, WordPairRow

EVIL = "</script><img src=x onerror=alert(1)>\"'&#word="
LAYERS = {"conv1": 1, "conv2": 2, "lstm1": 3}
WORDS = ("sea", EVIL, *(f"word{i}" for i in range(BLOCK)))
KINDS = {
    "sea": {"conv1": ["male", "female", "neither", "neither"],
            "conv2": ["both", "male", "neither", "neither"],
            "lstm1": ["both", "both", "female", "neither"]},
}  # fmt: skip
COUNTS = {"conv1": (0, 5, 3, 24), "conv2": (4, 4, 0, 24), "lstm1": (18, 3, 3, 8)}
"""Of a whole layer, at every word: both, male, female, neither."""


def kinds(word: str, layer: str) -> list[str]:
    return KINDS.get(word, {}).get(layer, ["both", "neither", "neither", "neither"])


def write_study(run: Path, model: str, counted: bool = True) -> Path:
    folder = run / "sonification" / model
    folder.mkdir(parents=True)
    for i, sex in enumerate(("female", "male")):
        tone = np.sin(np.arange(16000) * 0.05 * (i + 1)).astype(np.float32)
        write_audio(folder / "clips" / f"{sex}.flac", 0.3 * tone, 16000)
    write_records(folder, "word_features", WordFeatureRow, [
        WordFeatureRow(model, word, layer, depth, 3 * i, kind)
        for word in WORDS for layer, depth in LAYERS.items()
        for i, kind in enumerate(kinds(word, layer))
    ])  # fmt: skip
    write_records(folder, "word_pairs", WordPairRow, [
        WordPairRow(model, word, "w01", f"w01-{EVIL}", 0.1, "clips/female.flac", "m01", "m01-1",
                    0.2, "clips/male.flac" if word == "sea" else "../../../secret.flac")
        for word in WORDS
    ])  # fmt: skip
    if counted:
        write_records(folder, "word_overlaps", WordOverlapRow, [
            WordOverlapRow(model, word, layer, depth, *COUNTS[layer])
            for word in WORDS for layer, depth in LAYERS.items()
        ])  # fmt: skip
    write_records(folder, "same_word", SameWordRow, [
        SameWordRow(model, layer, depth, 500, 399, 0, 0.1, 0.1, 0.1 * depth, 0.1 * depth - 0.05,
                    0.1 * depth + 0.05, 0.02, 0.12 * depth, 0.07, 0.9, 0, 0, 1)
        for layer, depth in LAYERS.items()
    ])  # fmt: skip
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("words") / "run"
    write_study(root, "baseline")
    write_study(root, "untrained", counted=False)
    build_atlas(root)
    return root


def shard(run: Path, name: str) -> Any:
    text = (run / "report/data" / f"{name}.js").read_text(encoding="utf-8")
    return json.loads(text[text.index(",") + 1 : text.rindex(")")])


def test_shards_say_what_the_tables_say(run: Path) -> None:
    head = shard(run, "words")
    assert [model["name"] for model in head["models"]] == ["baseline", "untrained"]
    model = head["models"][0]
    assert model["words"] == list(WORDS)
    assert model["layers"] == list(LAYERS)
    assert [mean["overlap"] for mean in model["means"]] == pytest.approx([0.1, 0.2, 0.3])
    assert model["means"][2]["ci_high"] == pytest.approx(0.35)
    first, last = shard(run, "words/0/0"), shard(run, "words/0/1")
    assert len(first) == BLOCK and len(last) == len(WORDS) - BLOCK
    assert first[0]["layers"] == [
        {"features": [0, 3, 6, 9], "kinds": "mfnn", "counts": [0, 5, 3, 24]},
        {"features": [0, 3, 6, 9], "kinds": "bmnn", "counts": [4, 4, 0, 24]},
        {"features": [0, 3, 6, 9], "kinds": "bbfn", "counts": [18, 3, 3, 8]},
    ]
    assert shard(run, "words/1/0")[0]["layers"][0]["counts"] is None


def test_voices_have_their_sounds_and_none_from_outside(run: Path) -> None:
    voices = shard(run, "words/0/0")[0]["voices"]
    assert (run / "report" / voices["female"]["sound"]).is_file()
    assert voices["female"]["sound"] != voices["male"]["sound"]
    assert voices["male"]["speaker"] == "m01" and voices["male"]["start_s"] == 0.2
    assert shard(run, "words/0/0")[1]["voices"]["male"]["sound"] is None


def test_layers_come_by_depth_and_strange_rows_are_left_out(tmp_path: Path) -> None:
    folder = tmp_path / "sonification" / "m"
    write_records(folder, "word_features", WordFeatureRow, [
        WordFeatureRow("m", "a", "deep", 2, 1, "both"),
        WordFeatureRow("m", "a", "shallow", 1, 1, "male"),
        WordFeatureRow("m", "a", "shallow", 1, 2, "somebody"),
    ])  # fmt: skip
    found = words_of(StudyFolder(tmp_path, "m", []))
    assert found is not None and found.layers == ["shallow", "deep"]
    assert found.cells["a", "shallow"].features == [1] and found.voices == {}


def test_a_page_without_words_says_how_to_get_some(tmp_path: Path) -> None:
    (tmp_path / "sonification").mkdir()
    build_atlas(tmp_path)
    page = (tmp_path / "report/words.html").read_text(encoding="utf-8")
    assert (
        f"otoscope sonify {tmp_path.name} --output {tmp_path.name}" in page
        and "words.js" not in page
    )
    write_records(tmp_path / "sonification/m", "word_features", WordFeatureRow, [])
    build_atlas(tmp_path)
    page = (tmp_path / "report/words.html").read_text(encoding="utf-8")
    assert "No word is said by a man and a woman" in page


def opened(open_page: Callable[..., Any], run: Path, link: str = "", **how: Any) -> Any:
    page = open_page((run / "report/words.html").as_uri() + link, **how)
    page.wait_for_selector("#dots .dot")
    return page


WORD = "(word) => document.querySelector('#word').textContent === word"


def lit(page: Any) -> dict[str, int]:
    """Dots by what they say; `neither` left out."""
    marks = page.locator("#dots .dot").evaluate_all("dots => dots.map(dot => dot.dataset.kind)")
    return {kind: marks.count(kind) for kind in ("both", "male", "female")}


def test_choosing_a_word_changes_the_figure(run: Path, open_page: Callable[..., Any]) -> None:
    page = opened(open_page, run)
    assert page.locator("#word").inner_text() == "“sea”"
    assert lit(page) == {"both": 3, "male": 2, "female": 2}
    assert page.locator(".row-own td span").all_inner_texts() == ["0.00", "0.50", "0.75"]
    assert page.locator(".row-mean td").first.inner_text().split("\n") == [
        "0.10",
        "0.05–0.15",
        "n 101",
    ]
    assert page.locator(".row-alike td").first.inner_text().split("\n") == ["0.12", "0.07–0.90"]
    page.get_by_role("button", name="word7", exact=True).click()
    page.wait_for_function("() => document.querySelector('#word').textContent === '“word7”'")
    assert lit(page) == {"both": 3, "male": 0, "female": 0}
    assert "word=word7" in page.url
    page.locator("#model").select_option("untrained")
    page.wait_for_function("() => document.querySelector('.row-lit').textContent.includes('shown')")
    assert page.locator("#word").inner_text() == "“word7”"
    for word in ("“word7”", "“sea”"):  # first the other model, then the word before
        page.go_back()
        page.wait_for_function(
            "() => document.querySelector('.row-lit').textContent.includes('whole')"
        )
        page.wait_for_function(WORD, arg=word)


def test_a_link_says_what_of_it_there_is_not(run: Path, open_page: Callable[..., Any]) -> None:
    page = opened(open_page, run, "#model=nobody&word=word7&voice=male")
    told = page.locator("[role=alert]")
    assert "There is no model nobody here" in told.inner_text()
    assert "model=baseline" in page.url and page.locator("#model").input_value() == "baseline"
    assert page.get_by_role("radio", name="the man's").is_checked()
    page.evaluate("location.hash = 'model=untrained&word=zzz'")
    page.wait_for_function("() => document.querySelector('.row-lit').textContent.includes('shown')")
    assert "There is no word zzz here" in told.inner_text() and "zzz" not in page.url
    assert page.get_by_role("radio", name="both").is_checked()  # a link without a voice
    page.keyboard.press("n")
    page.wait_for_function(WORD, arg="“word8”")
    assert told.count() == 0 and "word=word8" in page.url


def test_the_switch_changes_what_is_lit(run: Path, open_page: Callable[..., Any]) -> None:
    page = opened(open_page, run)
    page.get_by_role("radio", name="the man's").check()
    assert lit(page) == {"both": 3, "male": 2, "female": 0}
    assert page.locator(".row-lit td").all_inner_texts()[0].split() == ["5", "of", "32"]
    page.keyboard.press("Escape")
    page.locator("h1").click()
    page.keyboard.press("s")
    assert page.get_by_role("radio", name="the woman's").is_checked()
    assert lit(page) == {"both": 3, "male": 0, "female": 2}


def test_keys_choose_words_and_walk_over_dots(run: Path, open_page: Callable[..., Any]) -> None:
    page = opened(open_page, run, "#model=baseline&word=word38")
    page.keyboard.press("n")  # into the next shard
    page.wait_for_function(WORD, arg="“word39”")
    page.keyboard.press("p")
    page.wait_for_function(WORD, arg="“word38”")
    page.locator("#chips [aria-pressed=true]").focus()
    page.keyboard.press("ArrowLeft")
    page.wait_for_function(WORD, arg="“word37”")
    page.keyboard.press("n")
    page.wait_for_function(WORD, arg="“word38”")
    page.locator("#dots .dot[tabindex='0']").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    assert page.locator("#told").inner_text() == "conv2, feature 3: by neither"
    page.keyboard.press("Enter")
    page.wait_for_url("**/features.html#model=baseline&feature=conv2%2F3")


def test_both_voices_sound(
    run: Path, open_page: Callable[..., Any], hear: Callable[[Any, str], str]
) -> None:
    page = opened(open_page, run, "#model=baseline&word=sea")
    woman = hear(page, "#voices button[data-sex=female]")
    man = hear(page, "#voices button[data-sex=male]")
    assert woman != man
    page.locator("h1").click()
    page.keyboard.press("Space")  # both, one after the other
    page.wait_for_function("name => document.querySelector('audio').src === name", arg=woman)
    page.wait_for_function("name => document.querySelector('audio').src === name", arg=man)
    assert page.locator(".turns").get_attribute("aria-pressed") == "true"


@pytest.mark.parametrize("width", [390, pytest.param(1280, marks=pytest.mark.slow)])
def test_hostile_words_are_text_and_nothing_is_in_the_way(
    run: Path, open_page: Callable[..., Any], serious: Callable[[Any], list[str]], width: int
) -> None:
    page = opened(open_page, run, width=width)
    page.locator("#chips button").nth(1).click()
    page.wait_for_function("() => document.querySelector('#word').textContent.includes('onerror')")
    assert page.locator("#word").inner_text() == f"“{EVIL}”"
    assert page.locator("main img").count() == 0
    assert page.locator("#voices .none").count() == 1
    page.reload()  # its deep link leads back to it
    page.wait_for_function("() => document.querySelector('#word').textContent.includes('onerror')")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert serious(page) == []
