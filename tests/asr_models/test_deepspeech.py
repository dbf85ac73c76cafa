"""DeepSpeech: the notebook's six layers, windows of context, and states that hear no future."""

from importlib import resources

import pytest
import torch
import yaml

from acoustics.mel import LogMel
from asr_models.deepspeech import NAMES, ContextWindows, DeepSpeech
from asr_models.tap import LayerTap

SAMPLES = 16000


def small(seed: int = 0, **changes: object) -> DeepSpeech:
    torch.manual_seed(seed)
    return DeepSpeech(**({"width": 12} | changes)).freeze()  # type: ignore[arg-type,return-value]


def test_layers_have_the_notebooks_names_and_mozillas_widths() -> None:
    recogniser = DeepSpeech(width=64, layer_norm=False)
    assert [*recogniser.layers] == [
        *("layer_1", "layer_2", "layer_3", "rnn_output", "layer_5", "layer_6")
    ]
    assert [layer.width for layer in recogniser.layers.values()] == [64] * 5 + [29]
    assert recogniser.layer_1.linear.in_features == 19 * 26


def test_the_paper_size_has_mozillas_parameters() -> None:
    """Its graph of 0.8: five layers of 2048 units, an LSTM's four gates, 29 outputs; 189 MB."""
    text = (resources.files("configs") / "asr" / "deepspeech_paper.yaml").read_text()
    arguments = yaml.safe_load(text)["model"]["recogniser"]["init_args"]
    width, window, tokens = arguments["width"], 494, 29
    dense = (window + 1) * width + 3 * (width + 1) * width + (width + 1) * tokens
    lstm = 4 * width * (2 * width + 2)  # two biases, as PyTorch has them
    assert width == 2048 and not arguments["layer_norm"]
    count = sum(p.numel() for p in small(width=32, layer_norm=False).parameters())
    assert count == (window + 1) * 32 + 3 * 33 * 32 + 33 * tokens + 4 * 32 * 66
    assert (dense + lstm) * 4 == pytest.approx(189e6, rel=2e-3)


def test_a_window_is_nine_frames_before_and_nine_behind() -> None:
    frontend = ContextWindows(LogMel(n_mels=40, hop_length=320), 2, context=9)
    normal = torch.arange(1.0, 61.0).reshape(1, 30, 2)
    windows = frontend.expand(normal, torch.tensor([30])).unflatten(2, (19, 2))
    assert windows.shape == (1, 30, 19, 2)
    for frame in (0, 4, 15, 29):
        for place in range(19):
            there = frame + place - 9
            wanted = normal[0, there] if 0 <= there < 30 else torch.zeros(2)
            assert windows[0, frame, place].equal(wanted)


def test_windows_are_zero_beyond_an_utterance() -> None:
    frontend = ContextWindows(LogMel(n_mels=40, hop_length=320), 26, context=9)
    normal = torch.randn(2, 30, 26)
    normal[1, 11:] = 0
    windows = frontend.expand(normal, torch.tensor([30, 11]))
    assert (windows[1, 11:] == 0).all() and (windows[0] != 0).any(-1).all()


@pytest.mark.parametrize("layer_norm", [True, False])
def test_dense_states_lie_between_0_and_20(layer_norm: bool, make_batch) -> None:
    recogniser = small(layer_norm=layer_norm)
    for name in ("layer_1", "layer_5"):
        block = recogniser.get_submodule(name)
        block.linear.weight.data.mul_(100)
        if layer_norm:
            block.norm.weight.data.mul_(100)
    batch = make_batch([SAMPLES])
    states = LayerTap(recogniser)(batch.waveform, batch.lengths).states
    for name in ("layer_1", "layer_2", "layer_3", "layer_5"):
        values = states[name].values
        assert values.min() == 0 and values.max() <= 20
    assert states["layer_1"].values.max() == 20  # clipped
    assert states["rnn_output"].values.min() < 0


def test_no_state_hears_more_than_nine_frames_of_the_future() -> None:
    """A change behind frame t + 9 leaves the state of frame t bit for bit; at it, it does not."""
    recogniser, counts = small(), torch.tensor([40])
    normal = torch.randn(1, 40, 26)
    changed = normal.clone()
    changed[0, 20] += 1.0

    def heard(frames: torch.Tensor) -> dict[str, torch.Tensor]:
        with LayerTap(recogniser).hooked() as outputs:
            recogniser.from_frames(frames, counts)
        return outputs

    before, after = heard(normal), heard(changed)
    for name in NAMES:
        differs = (before[name] != after[name]).any(-1)[0]
        assert not differs[:11].any(), name
        assert differs[11], name
        last = int(differs.nonzero()[-1])
        assert last == 29 if name in NAMES[:3] else last > 29, name  # only the LSTM remembers


def test_the_output_layer_is_what_the_softmax_reads(make_batch) -> None:
    recogniser, batch = small(), make_batch([SAMPLES])
    hearing = LayerTap(recogniser, ["layer_6"])(batch.waveform, batch.lengths)
    assert hearing.log_probs.equal(hearing.states["layer_6"].values.log_softmax(-1))
