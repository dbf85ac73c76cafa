"""Jasper: the article's count of layers, dense residuals, what it hears and when."""

from importlib import resources
from itertools import pairwise

import pytest
import torch
import yaml
from torch import nn
from torch.nn import functional
from torchaudio.functional import melscale_fbanks

import acoustics.mel
from acoustics.errors import UserError
from acoustics.mel import LogMel
from asr_models.blocks import conv_norm
from asr_models.checkpoint import calibrate
from asr_models.frontend import NormalisedBands
from asr_models.jasper import PAPER, Jasper
from asr_models.tap import LayerTap

SMALL = {"widths": (6, 5, 4, 7, 8), "kernels": (3, 3, 5, 5, 1), "sub_blocks": 2}


def small(seed: int = 0, **changes: object) -> Jasper:
    torch.manual_seed(seed)
    return Jasper(**(SMALL | changes))  # type: ignore[arg-type]


@pytest.fixture
def paper(monkeypatch: pytest.MonkeyPatch) -> Jasper:
    """The paper's size without its memory."""
    monkeypatch.setattr(acoustics.mel, "melscale_fbanks", lambda *_, **__: torch.zeros(257, 64))
    with torch.device("meta"):
        return Jasper(**PAPER)


def test_the_paper_size_has_the_articles_layers_and_features(paper: Jasper) -> None:
    numbers = paper.article_numbers
    assert list(numbers.values()) == list(range(52))
    features = [paper.layers[name].features for name in numbers]
    assert sum(features) == 26752
    assert features[0] == 256 and features[-1] == 896
    # "Layers 11, 14, and 15 are accordingly first, fourth, and last layers of block 3"
    assert [numbers[f"block3.sub{i}"] for i in (1, 4, 5)] == [11, 14, 15]
    assert (numbers["prologue"], numbers["epilogue1"]) == (0, 51)
    assert [*paper.layers][52:] == ["epilogue2"] and paper.layers["epilogue2"].features == 1024
    assert all(layer.width == layer.features for layer in paper.layers.values())


def test_the_paper_size_has_the_papers_parameters(paper: Jasper) -> None:
    assert sum(p.numel() for p in paper.parameters()) == pytest.approx(333e6, rel=2e-3)
    assert [len(block.subs[-1].shortcuts) for block in paper.blocks] == [*range(1, 11)]
    assert not any(sub.shortcuts for block in paper.blocks for sub in [*block.subs][:-1])


def test_the_shipped_configuration_is_the_papers() -> None:
    text = (resources.files("configs") / "asr" / "jasper_paper.yaml").read_text()
    assert yaml.safe_load(text)["model"]["recogniser"]["init_args"] == PAPER


def test_a_state_is_the_output_of_a_relu_and_each_layer_is_named_by_its_module() -> None:
    jasper = small()
    for name, layer in jasper.layers.items():
        norm = jasper.get_submodule(layer.module).main.norm
        assert norm.num_features == layer.width, name
    tap = LayerTap(jasper.freeze(), ["*"])
    states = tap(torch.randn(1, 8000), torch.tensor([8000])).states
    assert all((found.values >= 0).all() for found in states.values())
    assert LayerTap(jasper, ["block*.sub2"]).names == ["block1.sub2", "block2.sub2"]


def test_a_blocks_end_adds_its_input_and_all_before_it() -> None:
    """By the paper's figure: every earlier input through 1 x 1 convolution and norm, then ReLU."""
    jasper = small(1).eval()
    for norm in (m for m in jasper.modules() if isinstance(m, nn.BatchNorm2d)):
        for statistic in (norm.weight, norm.bias, norm.running_mean, norm.running_var):
            nn.init.uniform_(statistic, 0.5, 1.5)
    heard = LayerTap(jasper)(torch.randn(1, 6400), torch.tensor([6400])).states
    start, first, middle, end = (
        heard[name].values.transpose(1, 2)[..., None]
        for name in ("prologue", "block1.sub2", "block2.sub1", "block2.sub2")
    )
    last = jasper.blocks[1].subs[1]
    total = last.main.norm(last.main.conv(middle))
    for shortcut, given in zip(last.shortcuts, (start, first), strict=True):
        assert shortcut.conv.kernel_size == (1, 1)
        total = total + shortcut.norm(shortcut.conv(given))
    torch.testing.assert_close(end, total.relu())


def test_shortcuts_are_masked_too(make_batch) -> None:
    """Or the shift of a shortcut's batch norm would stand in the padding."""
    jasper, batch = small(2), make_batch([6400, 3200], seed=1)
    for norm in (m for m in jasper.modules() if isinstance(m, nn.BatchNorm2d)):
        nn.init.ones_(norm.bias)
    states = LayerTap(jasper.freeze())(batch.waveform, batch.lengths).states
    for name, found in states.items():
        count = int(found.lengths[1])
        assert (found.values[1, count:] == 0).all() and found.values[1, :count].any(), name


def test_a_folded_norm_equals_one_that_is_not_folded() -> None:
    torch.manual_seed(0)
    conv = nn.Conv2d(3, 4, (5, 1), stride=(2, 1), padding=(4, 0), dilation=(2, 1), bias=False)
    norm, x = nn.BatchNorm2d(4), torch.randn(2, 3, 20, 1)
    norm(conv(x))
    norm.eval()
    torch.testing.assert_close(conv_norm(x, conv, norm), norm(conv(x)))


def test_dropout_is_for_training_only(make_batch) -> None:
    batch, dropping, plain = make_batch([6400]), small(dropout=[0.5] * 5), small()
    given = (batch.waveform, batch.lengths)
    assert dropping.eval()(*given)[0].equal(plain.eval()(*given)[0])
    assert not dropping.train()(*given)[0].equal(plain.train()(*given)[0])


def test_calibration_gives_shortcuts_the_statistics_of_speech(make_batch) -> None:
    jasper, batch = small(), make_batch([6400, 6400])
    calibrate(jasper, [(batch.waveform, batch.lengths)])
    x = jasper.prologue(*_entered(jasper, batch))
    normed = jasper.blocks[0].subs[1].shortcuts[0](x)
    torch.testing.assert_close(normed.mean((0, 2, 3)), torch.zeros(5), rtol=0, atol=0.05)
    torch.testing.assert_close(normed.var((0, 2, 3)), torch.ones(5), rtol=0, atol=0.1)


def _entered(jasper: Jasper, batch) -> tuple[torch.Tensor, torch.Tensor]:
    x, frames = jasper.frontend(batch.waveform, batch.lengths)
    return x, torch.ones(len(frames), 1, (int(frames.max()) + 1) // 2, 1, dtype=torch.bool)


class Plain(NormalisedBands):
    """A front-end without normalisation, so that sound acts where it happens only."""

    def __init__(self) -> None:
        super().__init__(LogMel(n_mels=64))
        self.pre_emphasis = 0

    def normalise(self, frames, counts):
        return frames


def test_sound_shows_in_the_states_that_timing_says() -> None:
    """Move a click: the samples that change a state lie evenly around the state's centre."""
    jasper = small(1).freeze()
    jasper.frontend = Plain()
    step, samples, state = 80, 25600, 40
    clicks = torch.arange(6400, 19200, step)
    rows = 0.01 * torch.randn(1, samples).expand(len(clicks) + 1, -1).clone()
    rows[torch.arange(len(clicks)), clicks] += 1.0  # the last row has none
    hearing = LayerTap(jasper)(rows, torch.full((len(rows),), samples))
    for name, states in hearing.states.items():
        moved = (states.values[:-1, state] - states.values[-1:, state]).abs().amax(-1)
        reach = clicks[moved > 1e-6]
        assert len(reach) < len(clicks), name
        centre = (int(reach[0]) + int(reach[-1])) / 2
        assert abs(centre - jasper.layers[name].timing.centre(state)) <= step, name


def test_bands_have_mean_0_and_variance_1_over_the_valid_frames() -> None:
    torch.manual_seed(0)
    frontend = NormalisedBands(LogMel(n_mels=64))
    waveform = torch.nn.utils.rnn.pad_sequence([torch.randn(n) for n in (8000, 4000)], True)
    bands, frames = frontend(waveform, torch.tensor([8000, 4000]))
    for row, count in zip(bands[..., 0], frames.tolist(), strict=True):
        assert (row[:, count:] == 0).all()
        deviation, mean = torch.std_mean(row[:, :count], dim=1)
        torch.testing.assert_close(mean, torch.zeros(64), rtol=0, atol=1e-4)
        torch.testing.assert_close(deviation, torch.ones(64), rtol=0, atol=1e-4)


def test_silence_and_a_single_frame_are_zeros() -> None:
    frontend = NormalisedBands(LogMel(n_mels=64))
    for samples in (100, 3200):
        bands, _ = frontend(torch.zeros(1, samples), torch.tensor([samples]))
        assert (bands == 0).all()


def test_the_end_of_an_utterance_does_not_leak_behind_it(make_batch) -> None:
    """Pre-emphasis looks back one sample: behind the last one it would see speech."""
    frontend, batch = NormalisedBands(LogMel(n_mels=64)), make_batch([8000, 4000])
    batch.waveform[1, 3999] = 0.5
    together, frames = frontend(batch.waveform, batch.lengths)
    alone, _ = frontend(batch.waveform[1:, :4000], batch.lengths[1:])
    torch.testing.assert_close(together[1, :, : int(frames[1])], alone[0], rtol=1e-4, atol=1e-4)


def nvidias(waveform: torch.Tensor) -> torch.Tensor:
    """Features `(mel, frame)` by the description of NVIDIA's preprocessor."""
    sharp = torch.cat([waveform[:1], waveform[1:] - 0.97 * waveform[:-1]])
    window = torch.hann_window(320, periodic=False)
    spectrum = torch.stft(sharp, 512, 160, 320, window, pad_mode="reflect", return_complex=True)
    bank = melscale_fbanks(257, 0.0, 8000.0, 64, 16000, norm="slaney", mel_scale="slaney")
    bands = (bank.T @ spectrum.abs().square() + 2**-24).log()
    return (bands - bands.mean(1, keepdim=True)) / (bands.std(1, keepdim=True) + 1e-5)


def test_the_front_end_hears_what_nvidias_hears(make_batch) -> None:
    """In speech with noise above both floors, all but the first and last frames."""
    batch = make_batch([48000], seed=3)
    speech = batch.waveform + 0.03 * torch.randn(batch.waveform.shape)
    ours = small().frontend(speech, batch.lengths)[0][0, ..., 0]
    theirs = nvidias(speech[0])
    assert ours.shape == theirs.shape
    ours, theirs = ours[:, 2:-2], theirs[:, 2:-2]
    assert functional.cosine_similarity(ours, theirs).min() > 0.995
    assert (ours - theirs).abs().mean() < 0.05


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"widths": (4, 4, 4), "kernels": (3, 3, 3)}, "give at least one block"),
        ({"sub_blocks": 0}, "give at least one block"),
        ({"kernels": (3, 3, 5, 5)}, r"kernels \[3, 3, 5, 5\] must be 5"),
        ({"kernels": (3, 3, 4, 5, 1)}, "must be odd"),
        ({"dropout": [0.1]}, r"dropout \[0.1\] must be 5"),
    ],
)
def test_sizes_of_no_jasper_are_refused(change, reason) -> None:
    with pytest.raises(UserError, match=reason) as error:
        small(**change)
    assert "\n" not in str(error.value)


def test_the_mini_is_as_small_as_the_design_says() -> None:
    jasper = Jasper()
    assert 2.8e6 < sum(p.numel() for p in jasper.parameters()) < 3.3e6
    assert len(jasper.layers) == 1 + 5 * 3 + 2
    assert all(b.depth == a.depth + 1 for a, b in pairwise(jasper.layers.values()))
