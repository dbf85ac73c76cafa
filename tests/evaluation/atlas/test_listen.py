"""The page Listen: every layer can be heard, equally loud, and what cannot is counted."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from playwright.sync_api import Page
from torchaudio.functional import loudness

from evaluation.atlas.build import build_atlas
from evaluation.atlas.catalogue import catalogue
from evaluation.atlas.listen import context
from evaluation.atlas.settings import AtlasSettings
from evaluation.atlas.site import Site
from evaluation.listening import REFERENCE, REFERENCE_LAYERS, Sample, save_samples, write_sample
from evaluation.pictures import mel_levels, mel_picture
from evaluation.run_folder import read_run

EVIL = "<img src=x onerror=alert(1)></script><b>quiet</b> \"'&"
SECONDS = 8.0
ROWS = ("cnn1", "cnn2", "blstm1")
TWICE = """() => { for (let i = 0; i < 2; i++) document.activeElement.dispatchEvent(
    new KeyboardEvent("keydown", { key: "j", bubbles: true })); }"""
HEARD = "() => document.querySelector('audio').currentTime"


def made(
    run: Path, models: list[str] | None = None, **settings: Any
) -> tuple[dict[str, Any], list[dict[str, Any]], Site]:
    """What the template reads, the shards of the utterances, and the site."""
    site = Site(run / "report", AtlasSettings(**settings))
    atlas = catalogue(read_run(run, models), site, models, None, lambda fraction, text: None)
    found = context(atlas)
    count = len(found["utterances"])
    return found, [shard(site.folder, f"listen/{i}") for i in range(count)], site


def shard(folder: Path, name: str) -> dict[str, Any]:
    text = (folder / f"data/{name}.js").read_text(encoding="utf-8")
    return dict(json.loads(text[text.index(",") + 1 : text.rindex(")")]))


@pytest.fixture
def few(run_folder: Path) -> Path:
    """A run of 42 sounds, to break: of the first and the last layer of two models."""
    layers = (*REFERENCE_LAYERS, "cnn1", "blstm5")
    samples = read_run(run_folder).samples
    kept = [one for one in samples if one.model != "untrained" and one.layer in layers]
    (run_folder / "samples.csv").unlink()
    save_samples(run_folder, kept[::-1])
    return run_folder


def test_all_that_was_rendered_can_be_heard(few: Path) -> None:
    found, shards, site = made(few)
    assert [one["utterance"] for one in shards] == ["m03-0002", "m01-0007", "f02-0001"]
    assert found["missing"] == [] and found["conditions"] == ["clean", "snr0"]
    assert found["references"] == list(REFERENCE_LAYERS)
    for one in shards:
        assert one["text"] == "the old sailor sings at noon" and one["sex"] == "male"
        assert one["seconds"] == pytest.approx(0.4)
        keys = [(cell["condition"], cell["model"], cell["layer"]) for cell in one["cells"]]
        assert len(set(keys)) == len(keys) == 2 * (3 + 2 * 2)
        assert keys[:4] == [("clean", REFERENCE, layer) for layer in REFERENCE_LAYERS] + [
            ("clean", "baseline", "cnn1")
        ]
        for cell in one["cells"]:
            assert (site.folder / cell["sound"]).is_file() and cell["gone"] == ""
            assert (site.folder / cell["picture"]).is_file()


def test_pictures_share_the_scale_of_the_natural_mel(few: Path) -> None:
    _, shards, site = made(few)
    samples = {sample.key: sample for sample in read_run(few).samples}
    utterance = shards[1]["utterance"]
    natural = np.load(few / samples[REFERENCE, "snr0", "natural", utterance].mel)
    deep = np.load(few / samples["robust", "snr0", "blstm5", utterance].mel)
    cell = next(cell for cell in shards[1]["cells"]
                if list(cell.values())[:3] == ["snr0", "robust", "blstm5"])  # fmt: skip
    expected = mel_picture(deep, levels=mel_levels(natural), axis=False, scale=1)
    assert (site.folder / cell["picture"]).read_bytes() == expected


def test_a_layer_has_its_scores_and_references_have_them_once(few: Path) -> None:
    found, _, site = made(few)
    index = shard(site.folder, "listen")
    assert index["layers"] == ["cnn1", "blstm5"]
    scores = {(s["condition"], s["model"], s["layer"]): s["scores"] for s in index["scores"]}
    assert len(scores) == len(index["scores"]) == 2 * (3 + 3 * 9)
    with (few / "summary.csv").open() as file:
        rows = {(r["condition"], r["model"], r["layer"], r["metric"], r["scorer"]): r["mean"]
                for r in csv.DictReader(file)}  # fmt: skip
    place = "snr0", "robust", "blstm2"
    assert scores[place] == [
        f"EER {float(rows[*place, 'eer', 'ge2e']):.1f} %",
        f"STOI {float(rows[*place, 'stoi', '']):.3f}",
        f"WER {float(rows[*place, 'wer', 'baseline']):.1f} %",
    ]
    assert found["scorers"] == {"eer": "ge2e", "stoi": "", "wer": "baseline"}


def test_all_are_equally_loud_though_their_sources_are_not(few: Path) -> None:
    for sample in read_run(few).samples:
        if sample.layer in ("cnn1", "mean-mel"):
            wave, rate = soundfile.read(few / sample.audio)
            gain = 10 ** (-20 / 20) if sample.layer == "cnn1" else 0.98 / np.abs(wave).max()
            soundfile.write(few / sample.audio, gain * wave, rate)
    _, shards, site = made(few, models=["baseline"])
    levels = []
    for cell in shards[0]["cells"]:
        wave, rate = soundfile.read(site.folder / cell["sound"], dtype="float32")
        levels.append(float(loudness(torch.from_numpy(np.tile(wave, 3))[None], rate)))
        assert np.abs(wave).max() < 1.0
    assert max(levels) - min(levels) < 0.5


def test_absent_and_broken_sounds_are_counted_and_named(few: Path) -> None:
    samples = {sample.key: sample for sample in read_run(few).samples}
    gone = samples["baseline", "clean", "cnn1", "m03-0002"]
    (few / gone.audio).unlink()
    (few / samples["robust", "clean", "cnn1", "m03-0002"].audio).write_bytes(b"fLaC no")
    found, shards, site = made(few)
    assert found["missing"] == [
        "2 of 42 sounds are absent: their files under audio/ are missing or broken"
    ]
    without = [cell for cell in shards[0]["cells"] if not cell["sound"]]
    assert [(cell["model"], cell["layer"], cell["gone"]) for cell in without] == [
        ("baseline", "cnn1", "absent"), ("robust", "cnn1", "absent")
    ]  # fmt: skip
    assert site.absent == 2 and all(cell["picture"] is None for cell in without)


def test_a_sound_without_its_mel_still_plays(few: Path) -> None:
    for sample in read_run(few).samples:
        if sample.utterance == "m03-0002" and sample.layer in ("natural", "cnn1"):
            (few / sample.mel).unlink()
    found, shards, _ = made(few)
    bare = {cell["layer"] for cell in shards[0]["cells"] if not cell["picture"]}
    assert bare == {"natural", "cnn1"} and all(cell["sound"] for cell in shards[0]["cells"])
    assert found["missing"] == []


def test_the_last_utterances_go_where_there_is_no_room(few: Path) -> None:
    whole = made(few)[2].size / 1e6
    found, shards, site = made(few, max_megabytes=0.6 * whole)
    heard = [sum(cell["sound"] is not None for cell in one["cells"]) for one in shards]
    assert heard[0] == 14 > heard[1] >= heard[2] and sum(heard) < 42
    reasons = {cell["gone"] for one in shards for cell in one["cells"] if not cell["sound"]}
    assert reasons == {"no room"}
    assert found["missing"][0].startswith(f"{42 - sum(heard)} of 42 sounds have no room in")
    assert "--max_megabytes" in found["missing"][0] and site.absent == 0


def test_models_of_an_earlier_configuration_are_not_heard(few: Path) -> None:
    found, shards, _ = made(few, models=["baseline"])
    assert [model["name"] for model in found["models"]] == ["baseline"]
    assert {cell["model"] for cell in shards[0]["cells"]} == {REFERENCE, "baseline"}


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
            summary.append(f"{model},clean,{layer},{i},eer,ge2e,{i}.5,,,9,0")
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
    cells = shard(atlas.parent, "listen/0")["cells"]
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
    assert page.inner_text("#playing") == "cnn2, baseline, clean"
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
    assert "1 of 36 sounds are absent" in page.inner_text(".notes")
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
    page.wait_for_selector("#astray:visible")
    assert page.inner_text("#astray") == "There is no layer cnn9 to be heard here."
    assert "a quiet river" in page.inner_text("#said")


def test_scores_stand_below_and_what_was_said_stays_text(atlas: Path, open_page: Any) -> None:
    page = open_page(atlas)
    page.wait_for_selector(cell("cnn2"))
    box = page.locator(".cell", has=page.locator(cell("cnn2")))
    assert box.locator(".scores").inner_text() == "EER 2.5 %"
    page.select_option("#utterance", index=1)
    page.wait_for_selector("#said:has-text('quiet</b>')")
    assert EVIL in page.inner_text("#said") and "u<2> · female s<1>" in page.inner_text("#said")
    assert page.locator("main b:has-text('quiet'), img[src=x]").count() == 0


@pytest.mark.parametrize("width", [1280, 390, 375])
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
