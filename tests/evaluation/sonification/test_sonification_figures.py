"""Figures of sonification: everything that was measured is drawn, and what is lacking is said."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from acoustics.frames import Timing
from acoustics.mel import LogMel
from evaluation.paper.panels import NothingToDrawError, save_figure
from evaluation.sonification.activation_grid import block_figure, layer_grid
from evaluation.sonification.activation_view import FeatureTrace, activation_view
from evaluation.sonification.activity_claims import ActivityRow
from evaluation.sonification.complexity import ComplexityRow
from evaluation.sonification.depth_figures import (
    activity_figure,
    complexity_figure,
    dominance_figure,
)
from evaluation.sonification.dominance_table import DominanceRow
from evaluation.sonification.figure_axes import depth_axis, group_colour, named_layers
from evaluation.sonification.heat_map import heat_map_figure, squeezed
from evaluation.sonification.same_word import SameWordRow
from evaluation.sonification.same_word_figure import kinds_of, same_word_figure, shown_features
from evaluation.sonification.spectra import mel_ticks, spectra_figure

LAYERS = ("cnn1", "cnn2", "$blstm$1")


def dominated(model: str, layer: str, group: str, share: float | None) -> DominanceRow:
    place = model, layer, 1 + LAYERS.index(layer), "words", "sex", group, 30, 100, 0, 7
    if share is None:
        return DominanceRow(*place, remark="every speaker is female")
    return DominanceRow(*place, share, 0.2, 0.4, 0.05, 0.01, 0.12, 0.01, 5)


def texts(figure: object) -> str:
    return " | ".join(t.get_text() for t in figure.findobj(lambda a: hasattr(a, "get_text")))  # type: ignore[attr-defined]


def test_dominance_has_a_panel_for_each_sex_and_model_and_the_band_of_chance() -> None:
    rows = [
        dominated(model, layer, group, 0.3)
        for model in ("baseline", "untrained")
        for group in ("female", "male")
        for layer in LAYERS
    ]
    figure = dominance_figure(rows)
    assert len(figure.axes) == 4
    for panel in figure.axes:
        chance, share = panel.get_lines()
        assert share.get_ydata().tolist() == [30.0] * 3 and chance.get_ydata().tolist() == [5.0] * 3
        assert len(panel.collections) == 2  # the bands of both
    assert "untrained: male (30 speakers)" in texts(figure)
    with pytest.raises(NothingToDrawError, match="every speaker is female"):
        dominance_figure([dominated("baseline", "cnn1", "female", None)])
    with pytest.raises(NothingToDrawError):
        dominance_figure([])


def test_complexity_shows_minimum_mean_and_maximum_of_both_models() -> None:
    rows = [
        ComplexityRow(model, layer, i, unit, 9, 0, 1.0, 2.0 + i, 1.5, 3.5, 7.0, 3.0, 2.5, i - 0.5)
        for model in ("baseline", "untrained")
        for unit in ("words", "ngrams")
        for i, layer in enumerate(LAYERS, start=1)
    ]
    figure = complexity_figure(rows)
    assert len(figure.axes) == 6
    assert [len(panel.get_lines()) for panel in figure.axes] == [2, 5, 2] * 2  # null, base rate
    dotted = [line for line in figure.axes[1].get_lines() if line.get_linestyle() == ":"]
    assert [line.get_ydata().tolist() for line in dotted] == [[2.5] * 3] * 2
    assert "baseline, moved segments" in texts(figure)
    with pytest.raises(NothingToDrawError, match="phones"):
        complexity_figure([ComplexityRow("b", "cnn1", 1, "words", 9, 9, *(None,) * 6)])


def test_activity_has_units() -> None:
    rows = [
        ActivityRow("baseline", layer, i, measure, 9, 1, 0.2, 0.1, 0.3)
        for measure in ("active_share", "length_s")
        for i, layer in enumerate(LAYERS, start=1)
    ]
    figure = activity_figure(rows)
    assert [panel.get_ylabel() for panel in figure.axes[:2]] == ["%", "ms"]
    assert figure.axes[1].get_lines()[0].get_ydata().tolist() == [200.0] * 3
    assert "not measured" in texts(figure)


def test_fifty_layers_have_names_that_can_be_read() -> None:
    plain_names = [f"layer{i}" for i in range(52)]
    assert list(named_layers(plain_names)) == plain_names[::4]
    assert list(named_layers(plain_names[:14])) == plain_names[:14]
    blocks = ["prologue", *(f"block{b}.sub{s}" for b in range(1, 11) for s in range(1, 6))]
    named = named_layers([*blocks, "epilogue"])
    assert list(named.values()) == [f"block{b}" for b in range(1, 11)]
    assert list(named)[1] == "block2.sub1"
    panel = Figure().subplots()
    panel.plot([0, 51], [1, 2], "o-")
    depth_axis(panel, {f"$layer{i}": i for i in range(52)})
    assert len(panel.get_xticklabels()) == 13 and panel.get_lines()[0].get_marker() == ""
    assert group_colour("scottish", ["female", "irish", "scottish"]) == "#00808a"


def test_a_column_is_squeezed_and_sorted_and_invents_nothing() -> None:
    shares = np.array([0.5, np.nan, 1.0, 0.0])
    column = shares[squeezed(shares, 4)]
    assert np.array_equal(column, [np.nan, 0.0, 0.5, 1.0], equal_nan=True)
    assert np.array_equal(squeezed(shares, 8), np.repeat(squeezed(shares, 4), 2))
    wide = np.random.default_rng(0).random(1000)
    assert len(squeezed(wide, 100)) == 100 and (np.diff(wide[squeezed(wide, 100)]) > 0).all()


def test_the_heat_map_has_a_column_for_each_layer() -> None:
    shares = {layer: np.linspace(0, 1, 5 + i) for i, layer in enumerate(LAYERS)}
    shares["cnn2"][0] = np.nan
    figure = heat_map_figure(shares, "male", "female", 0.6, "baseline")
    assert figure.axes[0].get_images()[0].get_array().shape == (480, 3)
    assert "dead" in texts(figure) and "male only" in texts(figure)
    with pytest.raises(NothingToDrawError):
        heat_map_figure({}, "male", "female", 0.5)


def test_twenty_features_stand_for_all() -> None:
    """Of 100 features 50 by both, 26 by him, 20 by her, 4 by neither: 10, 5, 4 and 1 are shown."""
    kinds = np.random.default_rng(1).permutation(np.repeat([0, 1, 2, 3], [50, 26, 20, 4]))
    shown = shown_features(kinds, seed=0)
    assert (
        np.bincount(kinds[shown]).tolist() == [10, 5, 4, 1] and (np.diff(kinds[shown]) >= 0).all()
    )
    assert len(set(shown.tolist())) == 20 and (shown_features(kinds, seed=0) == shown).all()
    assert sorted(shown_features(kinds[:7], seed=0)) == list(range(7))
    assert len(shown_features(kinds[:0], seed=0)) == 0


def test_kinds_follow_the_two_sets() -> None:
    him, her = np.array([1, 1, 0, 0], dtype=bool), np.array([1, 0, 1, 0], dtype=bool)
    assert kinds_of(him, her).tolist() == [0, 1, 2, 3] and kinds_of(her, him).tolist() == [
        0,
        2,
        1,
        3,
    ]


@pytest.mark.parametrize("switch", ["both", "male", "female"])
def test_one_word_by_two_voices(switch: str) -> None:
    kinds = {layer: np.arange(30) % 4 for layer in LAYERS}
    numbers = (0.3, 0.3, 0.4, 0.3, 0.5, 0.2, 0.6, 0.5, 0.7, 0.2, 0.1, 0.3)
    rows = [SameWordRow("b", layer, i, 80, 0, 0, *numbers) for i, layer in enumerate(LAYERS, 1)]
    figure = same_word_figure("sea", kinds, rows, switch=switch)  # type: ignore[arg-type]
    above, below = figure.axes
    assert len(above.collections[0].get_offsets()) == 60 and len(below.get_lines()) == 3
    assert len(same_word_figure("sea", kinds).axes) == 1
    with pytest.raises(NothingToDrawError, match="'sea'"):
        same_word_figure("sea", {})


def test_a_feature_stands_over_the_sound_that_drives_it() -> None:
    """State 5 of stride 320 and offset 160 is centred at 1,760 samples: 0.11 s."""
    trace = FeatureTrace("cnn1, feature 3", np.arange(10.0), Timing(320, Fraction(160)))
    assert trace.seconds(16000)[5] == pytest.approx(0.11)
    wave = np.zeros(3200, np.float32)
    figure = activation_view([trace, trace], wave, [("s", 0.0, 0.1)], [], title="utterance 1")
    panels = figure.axes
    assert len(panels) == 5 and panels[0].get_xlim() == panels[-1].get_xlim() == (0.0, 0.2)
    assert "no words are known" in texts(figure) and "time (s)" in texts(figure)
    with pytest.raises(NothingToDrawError):
        activation_view([], wave, [], [])


FRONT_ENDS = (LogMel(), LogMel(n_mels=64, mel_scale="slaney", power=2, floor=3e-6))


@pytest.mark.parametrize("log_mel", FRONT_ENDS, ids=["vgg", "jasper"])
@pytest.mark.parametrize("hertz", [500, 1000, 2000, 4000])
def test_spectra_have_frequencies_where_the_bands_are(log_mel: LogMel, hertz: int) -> None:
    """A tone is loudest in the mel band at which the axis says its frequency."""
    wave = np.sin(2 * np.pi * hertz * np.arange(8000) / 16000).astype(np.float32)
    figure = spectra_figure(wave, log_mel, title="tone")
    mel = figure.axes[2].get_images()[0].get_array()
    assert abs(mel_ticks(log_mel.config)[hertz] - (int(mel.mean(1).argmax()) + 0.5)) <= 1
    assert [panel.get_title() for panel in figure.axes[:3]] == [
        "waveform",
        "spectrogram",
        "mel spectrogram",
    ]
    rows = figure.axes[1].get_images()[0].get_array()
    assert rows.shape == (257, 51) and int(rows.mean(1).argmax()) == hertz * 512 // 16000


def test_ticks_follow_the_scale() -> None:
    """HTK: 2595 log10(1 + f / 700); Slaney: 1 kHz is 15 mels, from there 27 / ln 6.4 mels per e."""
    htk, slaney = (mel_ticks(log_mel.config) for log_mel in FRONT_ENDS)
    top = 2595 * np.log10(1 + 8000 / 700)
    for hertz in (500, 1000, 4000):
        expected = 81 * 2595 * np.log10(1 + hertz / 700) / top - 0.5
        assert htk[hertz] == pytest.approx(expected, abs=0.05)
    top = 15 + 27 * np.log(8) / np.log(6.4)
    assert slaney[500] == pytest.approx(65 * 7.5 / top - 0.5, abs=0.05)
    assert slaney[4000] == pytest.approx(
        65 * (15 + 27 * np.log(4) / np.log(6.4)) / top - 0.5, abs=0.05
    )
    assert 8000 not in htk  # the last band's upper edge, above its centre


def test_levels_are_in_decibels_of_magnitudes_and_of_powers() -> None:
    """Ten times as loud is 20 dB more for both; their floors are those of their own quantity."""
    wave = np.sin(2 * np.pi * 1000 * np.arange(8000) / 16000).astype(np.float32)
    for log_mel, floor in zip(FRONT_ENDS, (-60.0, 10 * np.log10(3e-6)), strict=True):
        quiet, loud, still = (spectra_figure(gain * wave, log_mel) for gain in (0.1, 1, 0))
        for panel in (1, 2):
            levels = [
                figure.axes[panel].get_images()[0].get_array().max() for figure in (quiet, loud)
            ]
            assert levels[1] - levels[0] == pytest.approx(20, abs=0.01)
            silence = still.axes[panel].get_images()[0].get_array()
            assert np.ptp(silence) == 0 and silence[0, 0] == pytest.approx(floor, abs=0.01)
    peaks = [spectra_figure(wave, m).axes[1].get_images()[0].get_array().max() for m in FRONT_ENDS]
    assert peaks[0] == pytest.approx(peaks[1], abs=0.01)  # in dB, a power is as high


def test_a_grid_has_a_line_for_every_live_feature_and_utterance() -> None:
    utterances = [np.random.default_rng(i).random((5 + i, 20)) for i in range(10)]
    for states in utterances:
        states[:, 7] = 0
    figure = layer_grid("block1.sub1", utterances, Timing(320))
    panel = figure.axes[0]
    lines = [c for c in panel.collections if c.get_rasterized()]
    assert [len(c.get_segments()) for c in lines] == [19] * 10 and "7 dead" in texts(figure)
    x, y = np.concatenate([s for c in lines for s in c.get_segments()]).T
    assert x.min() >= 0 and x.max() <= 16 and y.min() >= 0 and y.max() <= 2
    assert "0 to 0.3 s" in panel.get_xlabel()  # 14 states of 20 ms
    with pytest.raises(NothingToDrawError):
        layer_grid("block1.sub1", [], Timing(320))


def test_blocks_show_their_first_penultimate_and_last_layer() -> None:
    names = [f"b1.s{i}" for i in range(1, 6)]
    states = {name: np.random.default_rng(0).random((9, 4)) for name in names}
    figure = block_figure({"b1": names}, states, dict.fromkeys(names, Timing(320)))
    titles = [panel.get_title() for panel in figure.axes[:3]]
    assert titles == ["first\nb1.s1", "penultimate\nb1.s4", "last\nb1.s5"]
    picture = figure.axes[0].get_images()[0].get_array()
    assert picture.max(axis=1).tolist() == [1.0] * 4
    assert (np.diff(picture.argmax(axis=1)) >= 0).all()  # by the time of their peak
    with pytest.raises(NothingToDrawError):
        block_figure({}, states, {})


def test_figures_are_the_same_bytes_every_time(tmp_path: Path) -> None:
    kinds = {layer: np.arange(30) % 4 for layer in LAYERS}
    for folder in ("a", "b"):
        save_figure(same_word_figure("$sea", kinds), tmp_path / folder, "word")
    for kind in ("svg", "png"):
        first, second = ((tmp_path / folder / f"word.{kind}").read_bytes() for folder in "ab")
        assert first == second and len(first) > 1000
