"""The paper's numbers: some read off again, all of them plausible."""

from itertools import pairwise

import pytest

from evaluation.paper.published import (
    EER,
    LAYERS,
    LINES,
    PURE_LSTM,
    VERIFIER_EER,
    VGG_LSTM,
    WER,
    architecture_of,
    eer_of,
    layers_of,
    wer_of,
)


def test_rows_a_to_h_go_from_clean_to_0_db_robust_first() -> None:
    assert [line.letter for line in LINES] == list("abcdefgh")
    assert LINES[0] == ("a", "clean", "robust") and LINES[1] == ("b", "clean", "baseline")
    assert LINES[4] == ("e", "snr10", "robust") and LINES[7] == ("h", "snr0", "baseline")


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ((VGG_LSTM, "cnn1", "clean", "robust"), 4.38),
        ((VGG_LSTM, "cnn4", "clean", "baseline"), 6.76),
        ((VGG_LSTM, "blstm3", "snr10", "baseline"), 36.75),
        ((VGG_LSTM, "blstm5", "snr0", "baseline"), 48.13),
        ((PURE_LSTM, "blstm1", "clean", "robust"), 6.92),
        ((PURE_LSTM, "blstm3", "snr20", "baseline"), 25.37),
        ((PURE_LSTM, "blstm2", "snr0", "robust"), 33.15),
        ((PURE_LSTM, "blstm5", "snr0", "baseline"), 47.89),
    ],
)
def test_read_off_again(place: tuple[str, str, str, str], value: float) -> None:
    assert EER[place] == value


def test_table_2_is_whole_and_rises_along_every_row() -> None:
    assert len(EER) == 8 * (6 + 5)
    for architecture, layers in LAYERS.items():
        for line in LINES:
            row = [EER[architecture, layer, line.condition, line.model] for layer in layers]
            assert all(later > earlier for earlier, later in pairwise(row)), (architecture, line)


def test_noise_raises_every_eer_of_the_convolutions_and_robust_is_lower_at_0_db() -> None:
    for (architecture, layer, condition, model), value in EER.items():
        if layer.startswith("cnn") and condition != "clean":
            assert value > EER[architecture, layer, "clean", model]
        if condition == "snr0" and model == "robust":
            assert value < EER[architecture, layer, condition, "baseline"]


def test_table_1_robust_has_fewer_errors_everywhere() -> None:
    assert len(WER) == 8 and WER[VGG_LSTM, "robust", "test"] == 22.51
    for (architecture, model, split), value in WER.items():
        if model == "robust":
            assert value < WER[architecture, "baseline", split]
    assert VERIFIER_EER["ge2e"] == 4.51 and VERIFIER_EER["thin_resnet"] == 3.34


def test_our_names_find_the_papers() -> None:
    for name in ("vgg_lstm", "VGG-LSTM", "VGGLSTM"):
        assert architecture_of(name) == VGG_LSTM
    assert architecture_of("pure_lstm") == architecture_of("PureLSTM") == PURE_LSTM
    assert architecture_of("jasper") is None and layers_of("jasper") == ()
    assert eer_of("vgg_lstm", "cnn3", "clean", "robust") is None
    assert eer_of("vgg_lstm", "cnn2", "clean", "untrained") is None
    assert wer_of("pure_lstm", "baseline", "dev") == 30.72 and wer_of("x", "robust", "dev") is None
