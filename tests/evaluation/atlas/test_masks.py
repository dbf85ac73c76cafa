"""Masks: what the tables and arrays say, in a page that a browser can use."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from evaluation.atlas.build import build_atlas
from evaluation.atlas.mask_entries import outline, quiet_spans
from evaluation.listening import write_audio
from evaluation.masks.arrays import MaskArrays, Said, write_arrays
from evaluation.masks.folder import MaskFailureRow
from evaluation.masks.rows import CurveRow, MaskRow, SoundRow
from evaluation.masks.summary import MaskSummaryRow
from evaluation.records import write_rows

EVIL = "</script><img src=x onerror=alert(1)>\"'&"
FRAMES, BANDS, FRAME_S = 101, 12, 0.01
REFERENCE = "then the old sailor rowed over the wide grey river " * 3 + "again"
SOUNDS = ("natural", "muted 0.1", "muted 0.2", "masked", "copy-synthesis")
MASKS = ("mask", "random", "energy")


@dataclass(frozen=True)
class Made:
    """One mask of the run of these tests."""

    utterance: str
    scope: str = "utterance"
    span: str = ""
    text: str = "the old sailor"

    @property
    def name(self) -> str:
        return f"{self.utterance} {self.span}".strip()


FOUND = [
    Made("u-1"), Made("u-1", "word", "sailor@60", "sailor"), Made("u-2", text=EVIL),
    Made("u-3", text="no arrays"),
]  # fmt: skip


def kept_of(seed: int, share: float = 0.2) -> np.ndarray:
    return np.random.default_rng(seed).random((FRAMES, BANDS)) < share


def arrays_of(made: Made) -> MaskArrays:
    """Of a mask: nothing is kept in the first half, a fifth or so in the second."""
    mask = kept_of(1)
    mask[:50] = False
    pixels = np.random.default_rng(0).integers(0, 256, (FRAMES, BANDS), dtype=np.uint8)
    return MaskArrays(
        pixels, -2.0, 3.0, {"mask": mask, "random": kept_of(2), "energy": kept_of(3)},
        np.stack([np.ones_like(mask), kept_of(4, 0.6), mask]), [0, 10, 20], FRAME_S,
        [Said("the", 0.1, 0.2), Said(made.text, 0.3, 0.5)],
        Said("sailor", 0.6, 0.9) if made.span else None,
    )  # fmt: skip


def write_masks(run: Path, model: str) -> Path:
    folder = run / "masks" / model
    folder.mkdir(parents=True)
    write_rows(folder / "masks.csv", MaskRow, [
        MaskRow(model, made.utterance, "s1", made.scope, made.span, mask, 1.0, FRAMES * BANDS, 0.1,
                50, 1.0 if mask == "mask" else 0.25, made.text, made.text if mask == "mask" else "",
                mask == "mask", 0.9, 0.3, "")
        for made in FOUND for mask in MASKS
    ])  # fmt: skip
    write_rows(folder / "curves.csv", CurveRow, [
        CurveRow(model, made.utterance, made.scope, made.span, mask, way, share, at)
        for i, made in enumerate(FOUND) for mask in MASKS for way in ("insertion", "deletion")
        for share, at in ((0.0, 0.0), (0.5, 0.2 * i), (1.0, 1.0))
    ])  # fmt: skip
    write_rows(folder / "sounds.csv", SoundRow, [
        SoundRow(model, made.utterance, made.scope, made.span, sound, 0.5 * sound.startswith("mu"),
                 made.text, sound == "natural", 12.5 * i)
        for made in FOUND for i, sound in enumerate(SOUNDS)
    ])  # fmt: skip
    write_rows(folder / "summary.csv", MaskSummaryRow, [
        MaskSummaryRow(model, "utterance", mask, 3, 2, 1, 0.066, 1.0, 0.9, 1.0, 0.5, None, None,
                       0.5, 0.4, 0.6, 0.9, 0.3)
        for mask in MASKS
    ])  # fmt: skip
    write_rows(folder / "failures.csv", MaskFailureRow, [MaskFailureRow("u-9", f"silent {EVIL}")])
    for made in FOUND:
        for i, sound in enumerate(SOUNDS[:-1]):  # the last one is missing
            tone = np.sin(np.arange(16000) * 0.05 * (i + 1)).astype(np.float32)
            write_audio(folder / "audio" / made.name / f"{sound}.flac", 0.5 / (i + 1) * tone, 16000)
        if made.text != "no arrays":
            write_arrays(folder / "arrays" / f"{made.name}.safetensors", arrays_of(made))
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("masks") / "run"
    write_masks(root, "baseline")
    write_masks(root, "robust")
    (root / "utterances.csv").write_text(f"utterance,text\nu-1,{REFERENCE}\n")
    build_atlas(root)
    return root


def shard(run: Path, name: str) -> Any:
    text = (run / "report/data" / f"{name}.js").read_text(encoding="utf-8")
    return json.loads(text[text.index(",") + 1 : text.rindex(")")])


def test_shards_say_what_the_tables_say(run: Path) -> None:
    head = shard(run, "masks")
    assert [model["name"] for model in head["models"]] == ["baseline", "robust"]
    assert [one["id"] for one in head["models"][0]["utterances"]] == ["u-1", "u-2", "u-3"]
    spoken = shard(run, "masks/0/0")
    assert (spoken["text"], spoken["speaker"], spoken["duration_s"]) == ("the old sailor", "s1", 1)
    assert [one["reference"] for one in head["models"][1]["utterances"]] == [REFERENCE, "", ""]
    whole, word = spoken["masks"]
    assert (word["scope"], word["span"], word["label"]) == ("word", "sailor@60", "sailor")
    assert [row["frames_preserved"] for row in whole["rows"]] == [1, 0.25, 0.25]
    assert [sound["cer"] for sound in whole["sounds"]] == [0, 12.5, 25, 37.5, 50]
    assert whole["sounds"][-1]["src"] is None and whole["sounds"][-1]["outline"] is None
    assert len(spoken["inputs"]) == 1  # both masks are of the same frames


def test_shards_hold_the_arrays_bit_for_bit(run: Path) -> None:
    found, made = shard(run, "masks/0/0")["masks"][0]["arrays"], arrays_of(FOUND[0])
    pixels = np.frombuffer(base64.b64decode(shard(run, "masks/0/0")["inputs"][0]), np.uint8)
    assert np.array_equal(pixels.reshape(FRAMES, BANDS), made.pixels)
    for text, kept in zip(found["snapshots"], made.snapshots, strict=True):
        bits = np.unpackbits(np.frombuffer(base64.b64decode(text), np.uint8), count=kept.size)
        assert np.array_equal(bits.reshape(FRAMES, BANDS), kept)
    assert found["steps"] == [0, 10, 20] and found["said"][0]["label"] == "the"
    assert found["level"] == pytest.approx(np.percentile(np.abs(made.normal), 99))


def test_mean_curves_are_means(run: Path) -> None:
    means = shard(run, "masks")["models"][0]["means"]
    assert set(means) == {"utterance", "word"}
    (line, *_) = means["utterance"]["deletion"]["data"]
    assert line["name"] == "importance"
    assert line["y"] == pytest.approx([0, 100 * np.mean([0, 0.4, 0.6]), 100])


def test_sounds_keep_their_levels(run: Path) -> None:
    sounds = shard(run, "masks/0/0")["masks"][0]["sounds"]
    peaks = [np.abs(soundfile.read(run / "report" / one["src"])[0]).max() for one in sounds[:4]]
    assert peaks == pytest.approx([0.5, 0.25, 0.5 / 3, 0.125], rel=0.01)


def test_outlines_hold_the_extremes_of_each_part() -> None:
    waveform = np.zeros(1200)
    waveform[[3, 700]] = 0.5, -0.25
    found = outline(waveform, 0.5)
    low, high = (np.frombuffer(base64.b64decode(found[side]), np.int8) for side in ("low", "high"))
    assert len(low) == len(high) == 600
    assert high[1] == 127 and high.astype(int).sum() == 127
    assert low[350] == -64 and low.astype(int).sum() == -64
    assert len(base64.b64decode(outline(np.ones(7), 1.0)["low"])) == 7


def test_quiet_spans_are_frames_of_which_less_is_kept() -> None:
    kept = np.zeros((6, 10), dtype=bool)
    kept[1:3], kept[5, :2] = True, True
    assert quiet_spans(kept, 0.01, 0.2) == [(0.0, 0.005), (0.025, 0.045)]
    assert quiet_spans(kept, 0.01, 0.3) == [(0.0, 0.005), (0.025, 0.055)]
    assert quiet_spans(kept, 0.01, 0.0) == []


def test_a_page_without_masks_says_how_to_get_some(tmp_path: Path) -> None:
    (tmp_path / "sonification").mkdir()
    build_atlas(tmp_path)
    page = (tmp_path / "report/masks.html").read_text(encoding="utf-8")
    assert (
        f"otoscope mask {tmp_path.name} --output {tmp_path.name}" in page and "masks.js" not in page
    )
    folder = tmp_path / "masks/m"
    folder.mkdir(parents=True)
    write_rows(folder / "masks.csv", MaskRow, [])
    write_rows(folder / "failures.csv", MaskFailureRow, [MaskFailureRow("u", "it is silent")])
    build_atlas(tmp_path)
    page = (tmp_path / "report/masks.html").read_text(encoding="utf-8")
    assert "No utterance has a mask" in page and "it is silent" in page


def opened(open_page: Callable[..., Any], run: Path, link: str = "", **how: Any) -> Any:
    page = open_page((run / "report/masks.html").as_uri() + link, **how)
    page.wait_for_selector("#lanes .lane")
    return page


def picture(page: Any, name: str = "mask") -> str:
    return str(page.evaluate("name => document.getElementById(name).toDataURL()", name))


def test_the_slider_moves_the_pictures(run: Path, open_page: Callable[..., Any]) -> None:
    page = opened(open_page, run)
    result, masked, given = (picture(page, name) for name in ("mask", "masked", "input"))
    assert "step 20 of 20, the result" in page.locator("#at").inner_text()
    page.locator("#step").fill("0")
    assert page.locator("#at").inner_text() == "step 0 of 20: 100.0 % kept"
    assert picture(page) != result and picture(page, "input") == given
    assert picture(page, "masked") == given  # all is kept
    page.locator("h1").click()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert picture(page) == result and picture(page, "masked") == masked


def test_pictures_are_the_arrays(run: Path, open_page: Callable[..., Any]) -> None:
    page = opened(open_page, run)
    data = page.evaluate("""() => { const canvas = document.getElementById("mask");
        const {width, height} = canvas;
        return [...canvas.getContext("2d").getImageData(0, 0, width, height).data]; }""")
    dark = np.array(data).reshape(BANDS, FRAMES, 4)[::-1, :, 0].T < 128
    assert np.array_equal(dark, arrays_of(FOUND[0]).kept["mask"])


def test_the_search_plays_and_controls_are_shown(run: Path, open_page: Callable[..., Any]) -> None:
    page = opened(open_page, run)
    result = picture(page)
    page.locator("#animate").click()
    page.wait_for_function("() => document.querySelector('#at').textContent.includes('step 10')")
    page.wait_for_function("() => document.querySelector('#at').textContent.includes('result')")
    page.get_by_role("radio", name="random").check()
    assert picture(page) != result
    assert page.locator("#step").is_disabled()
    assert page.locator("#controls tr.here td").first.inner_text() == "random"


def test_sounds_play_with_a_cursor(
    run: Path, open_page: Callable[..., Any], hear: Callable[[Any, str], str]
) -> None:
    page = opened(open_page, run)
    natural = hear(page, "#lanes button.clip")
    page.wait_for_function(
        "() => Number(document.querySelector('#lanes').style.getPropertyValue('--at')) > 0"
    )
    assert page.locator("#figure.playing").count() == 1
    page.keyboard.press("2")  # the button that was pressed has the focus
    page.wait_for_function("name => document.querySelector('audio').src !== name", arg=natural)
    assert "muted 0.1" in page.locator("#playing").inner_text()
    assert page.locator("#lanes .clip.none").count() == 1
    assert page.locator("#lanes .lane:has-text('muted 0.1') .quiet").count() > 0


def test_links_keys_and_menus_choose_a_mask(run: Path, open_page: Callable[..., Any]) -> None:
    page = opened(open_page, run, "#model=robust&utterance=u-1&scope=word&span=gone@1")
    assert "robust · u-1" in page.locator("#facts").inner_text()
    assert "There is no span gone@1 here" in page.locator("#trouble").inner_text()
    assert page.locator("#said").inner_text() == f"“{REFERENCE}”"
    assert page.locator("#transcript").inner_text() == "heard by robust “the old sailor”"
    assert page.locator("#utterance option").first.inner_text() == f"u-1: {REFERENCE}"
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    assert page.locator(".required").count() == 3
    page.locator("#scope").select_option("0")
    page.wait_for_function("() => document.querySelectorAll('.required').length === 0")
    assert page.locator("#trouble").count() == 0
    page.locator("h1").click()
    page.keyboard.press("n")
    page.wait_for_function("() => document.querySelector('#facts').textContent.includes('u-2')")
    assert "utterance=u-2" in page.url
    page.go_back()
    page.wait_for_function("() => document.querySelector('#facts').textContent.includes('u-1')")
    page.locator("#lanes").focus()
    page.keyboard.press("p")  # of a region that scrolls: its keys are its own
    page.go_forward()
    page.wait_for_function("() => document.querySelector('#facts').textContent.includes('u-2')")
    page.locator("#model").select_option("baseline")
    page.wait_for_function("() => document.querySelector('#facts').textContent.includes('base')")
    assert "u-2" in page.locator("#facts").inner_text()


def test_without_arrays_there_is_still_a_page(run: Path, open_page: Callable[..., Any]) -> None:
    page = opened(open_page, run, "#utterance=u-3")
    assert not page.locator("#search").is_visible()
    assert "not in the run" in page.locator("#lanes").inner_text()
    assert page.locator("#lanes svg").count() == len(SOUNDS) - 1


@pytest.mark.parametrize("width", [390, pytest.param(1280, marks=pytest.mark.slow)])
def test_hostile_transcripts_are_text_and_nothing_is_in_the_way(
    run: Path, open_page: Callable[..., Any], serious: Callable[[Any], list[str]], width: int
) -> None:
    page = opened(open_page, run, "#utterance=u-2", width=width)
    assert page.locator("#heard").inner_text() == f"“{EVIL}”"
    assert page.locator("#said").is_hidden()  # nothing says what was said
    assert page.locator(".word").nth(1).inner_text() == EVIL
    assert EVIL in page.locator("#failures").inner_text()
    assert page.locator("main img").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert serious(page) == []


def test_arrays_of_another_search_have_no_influence_on_the_tables(tmp_path: Path) -> None:
    folder = write_masks(tmp_path, "m")
    short = replace(arrays_of(FOUND[0]), required=None, said=[])
    write_arrays(folder / "arrays/u-1.safetensors", short)
    (folder / "arrays/u-2.safetensors").write_text("broken")
    build_atlas(tmp_path)
    assert shard(tmp_path, "masks/0/0")["masks"][0]["arrays"]["said"] == []
    assert shard(tmp_path, "masks/0/1")["masks"][0]["arrays"] is None
