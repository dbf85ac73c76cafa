"""The page Listen in a real browser: what plays, at which moment, by mouse, keys and links."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page

from evaluation.atlas.build import build_atlas
from evaluation.listening import REFERENCE, REFERENCE_LAYERS, Sample, save_samples, write_sample

EVIL = "<img src=x onerror=alert(1)></script><b>quiet</b> \"'&"
SECONDS = 8.0
ROWS = ("cnn1", "cnn2", "blstm1")
TWICE = """() => { for (let i = 0; i < 2; i++) document.activeElement.dispatchEvent(
    new KeyboardEvent("keydown", { key: "j", bubbles: true })); }"""
HEARD = "() => document.querySelector('audio').currentTime"


def test_a_run_without_samples_says_how_to_get_them(tmp_path: Path, open_page: Any) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run/config.yaml").write_text("seed: 0\n")
    page = open_page(build_atlas(tmp_path / "run").path.parent / "listen.html")
    text = page.inner_text("main")
    assert "nothing to listen to yet" in text and "otoscope run --output run" in text
    assert page.locator("#choices").count() == 0


@pytest.fixture(scope="module")
def atlas(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a run of two utterances, one of which says markup; one sound is absent."""
    run = tmp_path_factory.mktemp("heard") / "run"
    run.mkdir()
    samples: list[Sample] = []
    columns = [(REFERENCE, REFERENCE_LAYERS), ("baseline", ROWS), ("robust", ROWS)]
    for utterance in ("u1", "u<2>"):
        for condition in ("clean", "snr0"):
            for model, layers in columns:
                for layer in layers:
                    at = len(samples) + 1
                    tone = 0.2 * np.sin(np.arange(int(16000 * SECONDS)) * 0.004 * at)
                    mel = np.random.default_rng(at).normal(size=(int(100 * SECONDS), 20))
                    samples.append(write_sample(
                        run, model=model, condition=condition, layer=layer, utterance=utterance,
                        speaker="s<1>", mel=mel, waveform=tone.astype(np.float32),
                    ))  # fmt: skip
    save_samples(run, samples)
    next(run.glob("audio/robust/snr0/cnn2/u1.flac")).unlink()
    summary = ["model,condition,layer,depth,metric,scorer,mean,ci_low,ci_high,n_scored,n_failed"]
    for model in ("baseline", "robust"):
        for i, layer in enumerate(ROWS, 1):
            summary.append(f"{model},clean,{layer},{i},eer,ge2e,{i}.5,1,4,9,{i - 1}")
    (run / "summary.csv").write_text("\n".join(summary) + "\n")
    with (run / "utterances.csv").open("w", newline="") as file:
        csv.writer(file).writerows(
            [["utterance", "speaker", "sex", "text"], ["u1", "s<1>", "female", "a quiet river"],
             ["u<2>", "s<1>", "female", EVIL]]
        )  # fmt: skip
    return build_atlas(run).path.parent / "listen.html"


def cell(layer: str, model: str = "baseline", condition: str = "clean") -> str:
    names = [layer, model, condition] if model != REFERENCE else [layer, condition]
    return f'.hear[aria-label="Play {", ".join(names)}"]'


def source(atlas: Path, layer: str, model: str = "baseline", condition: str = "clean") -> str:
    text = (atlas.parent / "data/listen/0.js").read_text()
    cells = json.loads(text[text.index(",") + 1 : text.rindex(")")])["cells"]
    found = next(c for c in cells if list(c.values())[:3] == [condition, model, layer])
    return (atlas.parent / found["sound"]).as_uri()


def moment(page: Page, address: str) -> float:
    """Waits until this sound goes on; gives where it is."""
    page.wait_for_function(
        "(src) => { const a = document.querySelector('audio');"
        " return a.currentSrc === src && a.readyState > 1 && !a.paused; }", arg=address,
    )  # fmt: skip
    return float(page.evaluate(HEARD))


def test_a_sound_plays_from_where_its_picture_is_pressed_and_pauses(
    atlas: Path, open_page: Any, hear: Callable[[Page, str], str]
) -> None:
    page = open_page(atlas)
    assert hear(page, cell("cnn2")) == source(atlas, "cnn2")
    assert page.get_attribute(cell("cnn2"), "aria-pressed") == "true"
    assert page.inner_text("#playing") == "cnn2, baseline, clean, u1"
    page.click(cell("cnn2"))
    assert page.get_attribute(cell("cnn2"), "aria-pressed") == "false"
    there = page.evaluate(HEARD)
    page.click(cell("cnn2"))  # it goes on from there
    assert there <= moment(page, source(atlas, "cnn2")) < there + 2.5
    picture = page.locator(".cell", has=page.locator(cell("blstm1", "robust"))).locator(".pic")
    picture.click(position={"x": 0.5 * picture.bounding_box()["width"], "y": 10})
    assert 4.0 <= moment(page, source(atlas, "blstm1", "robust")) + 0.05 < 6.5
    assert page.evaluate("() => document.querySelectorAll('.hear[aria-pressed=true]').length") == 1


def test_the_next_layer_and_model_are_heard_at_the_same_moment(atlas: Path, open_page: Any) -> None:
    page = open_page(atlas)
    page.click(cell("cnn1"))
    page.wait_for_function(f"() => ({HEARD})() > 0.4")
    steps = [
        ("j", "cnn2", "baseline"), ("]", "blstm1", "baseline"), ("l", "blstm1", "robust"),
        ("k", "cnn2", "robust"), ("h", "cnn2", "baseline"), ("[", "cnn1", "baseline"),
    ]  # fmt: skip
    at = page.evaluate(HEARD)
    for key, layer, model in steps:
        page.keyboard.press(key)
        after = moment(page, source(atlas, layer, model))
        assert at <= after < at + 2.5
        at = after
        assert page.evaluate("() => document.activeElement.ariaLabel") == (
            f"Play {layer}, {model}, clean"
        )
    page.evaluate(TWICE)  # the second before the first has begun: the moment is not lost
    assert moment(page, source(atlas, "blstm1")) >= at
    assert page.inner_text("#announced") == "blstm1, baseline, clean"


def test_arrows_walk_space_plays_and_what_has_no_sound_is_passed(
    atlas: Path, open_page: Any
) -> None:
    page = open_page(atlas)
    assert "1 of 36 sounds are absent" in page.locator(".notes", has_text="absent").inner_text()
    page.check("input[value=snr0]")
    assert "missing or broken" in page.inner_text(".gone")
    page.focus(cell("natural", REFERENCE, "snr0"))
    where = "() => document.activeElement.ariaLabel"
    for key, there in [("ArrowRight", "copy-synthesis, snr0"), ("ArrowDown", "cnn1, robust, snr0"),
                       ("ArrowDown", "blstm1, robust, snr0"), ("ArrowDown", "blstm1, robust, snr0"),
                       ("ArrowLeft", "blstm1, baseline, snr0")]:  # fmt: skip
        page.keyboard.press(key)
        assert page.evaluate(where) == f"Play {there}"
    assert page.evaluate("() => document.querySelectorAll('#grid [tabindex=\"0\"]').length") == 1
    page.keyboard.press(" ")
    moment(page, source(atlas, "blstm1", "baseline", "snr0"))
    page.focus("#utterance")
    page.keyboard.press("x")
    page.keyboard.press("k")  # keys are the page's only where the sounds are
    assert page.evaluate("() => document.querySelector('audio').currentSrc") == source(
        atlas, "blstm1", "baseline", "snr0"
    )


def test_two_sounds_take_turns_at_the_same_moment_and_go_round(atlas: Path, open_page: Any) -> None:
    page = open_page(atlas)
    first, second = source(atlas, "cnn1"), source(atlas, "blstm1", "robust")
    page.focus(cell("cnn1"))
    page.keyboard.press("a")
    assert page.is_disabled("#swap")
    page.focus(cell("blstm1", "robust"))
    page.keyboard.press("b")
    assert page.inner_text("#compare .side[data-side=b] span") == "blstm1, robust, clean"
    page.keyboard.press("x")
    moment(page, first)
    page.wait_for_function(f"() => ({HEARD})() > 0.4")
    at = page.evaluate(HEARD)
    page.keyboard.press("x")
    after = moment(page, second)
    assert at <= after < at + 2.5
    page.click("#swap")
    assert after <= moment(page, first) < after + 2.5
    page.evaluate("() => { document.querySelector('audio').currentTime = 7.9; }")
    page.wait_for_function(f"() => ({HEARD})() < 4")
    assert moment(page, first) < 4  # round again
    page.check("input[value=snr0]")  # A and B stay: they are of clean speech
    page.click("#compare .side[data-side=b]")
    moment(page, second)
    assert page.get_attribute("#compare .side[data-side=b]", "aria-pressed") == "true"
    page.click("#forget")
    assert page.is_hidden("#compare")


def test_a_column_plays_from_the_first_layer_to_the_last(atlas: Path, open_page: Any) -> None:
    page = open_page(atlas)
    page.click("text=all layers >> nth=1")
    for layer in ROWS:
        moment(page, source(atlas, layer, "robust"))
        page.evaluate("() => { document.querySelector('audio').currentTime = 7.95; }")
    page.wait_for_function("() => document.querySelector('audio').ended")
    assert page.locator(".hear[aria-pressed=true]").count() == 0


def test_what_plays_goes_on_in_another_condition(atlas: Path, open_page: Any) -> None:
    page = open_page(atlas)
    page.click(cell("cnn2"))
    page.wait_for_function(f"() => ({HEARD})() > 0.3")
    at = page.evaluate(HEARD)
    page.check("input[value=snr0]")
    assert at <= moment(page, source(atlas, "cnn2", "baseline", "snr0")) < at + 2.5
    page.uncheck("input[value=robust]")
    assert page.locator("#grid .heads .head").count() == 1
    assert page.locator(cell("cnn2", "robust", "snr0")).count() == 0


def test_a_link_opens_its_cell_and_only_its_utterance(atlas: Path, open_page: Any) -> None:
    link = "#utterance=u%3C2%3E&condition=snr0&layer=cnn2&model=robust"
    page = open_page(atlas.as_uri() + link)
    page.wait_for_selector(cell("cnn2", "robust", "snr0") + '[tabindex="0"]')
    assert page.evaluate("() => location.hash") == link
    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(request.url.rpartition("/data/")[2]))
    page.reload()
    page.wait_for_selector(cell("cnn2", "robust", "snr0") + '[tabindex="0"]')
    assert [name for name in loaded if name.startswith("listen/")] == ["listen/1.js"]
    page.evaluate("() => { location.hash = 'utterance=u1&layer=cnn9'; }")
    page.wait_for_selector("#trouble")
    assert page.inner_text("#trouble").startswith("There is no layer cnn9 here")
    assert "a quiet river" in page.inner_text("#said")


def test_scores_stand_below_and_what_was_said_stays_text(atlas: Path, open_page: Any) -> None:
    page = open_page(atlas)
    page.wait_for_selector(cell("cnn2"))
    box = page.locator(".cell", has=page.locator(cell("cnn2")))
    assert box.locator(".scores").inner_text() == "EER 2.5 %"
    rests_on = "n 9, 1 failed, 95 % interval over speakers 1.0 % to 4.0 %"
    assert box.locator(".scores span").get_attribute("title") == rests_on
    page.keyboard.press("j")  # with the focus nowhere, from the first sound on
    assert page.evaluate("() => document.activeElement.ariaLabel") == "Play cnn1, baseline, clean"
    page.keyboard.press(" ")
    moment(page, source(atlas, "cnn1"))
    page.select_option("#utterance", index=1)
    page.wait_for_selector("#said:has-text('quiet</b>')")
    assert page.inner_text("#playing") == "Nothing playing"  # it was of the other utterance
    assert EVIL in page.inner_text("#said") and "u<2> · female s<1>" in page.inner_text("#said")
    assert page.locator("main b:has-text('quiet'), img[src=x]").count() == 0
    page.go_back()
    page.wait_for_selector("#said:has-text('a quiet river')")


@pytest.mark.parametrize(
    "width",
    [390, pytest.param(375, marks=pytest.mark.slow), pytest.param(1280, marks=pytest.mark.slow)],
)
def test_nothing_is_amiss_for_axe_and_nothing_is_wider_than_the_page(
    atlas: Path, open_page: Any, serious: Callable[[Page], list[str]], width: int
) -> None:
    page = open_page(atlas, width=width, dark=width == 390)
    page.click(cell("cnn1"))
    page.keyboard.press("a")
    page.select_option("#utterance", index=1)
    page.wait_for_selector("#said:has-text('u<2>')")
    page.click(cell("cnn1", "robust"))
    page.keyboard.press("b")
    assert serious(page) == []
    assert page.evaluate("() => document.documentElement.scrollWidth") == width
    pictures = page.locator(".pic").evaluate_all("(all) => all.map((e) => e.clientWidth)")
    assert len(set(pictures)) == 1  # one axis of time
    if width < 760:
        lefts = page.locator(".cell").evaluate_all(
            "(all) => all.map((e) => e.getBoundingClientRect().x)"
        )
        assert len(set(lefts)) == 1
