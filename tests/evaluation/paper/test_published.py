"""The paper's numbers: all of them read off again, and plausible."""

from itertools import pairwise

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


TABLE_1 = """
LSTM     No  30.72 30.98
LSTM     Yes 25.23 25.45
VGG-LSTM No  29.02 29.55
VGG-LSTM Yes 22.64 22.51
"""
"""As printed: architecture, augmentation, dev-clean, test-clean."""

TABLE_2 = """
a clean robust   4.38  4.68  7.18  16.48 30.03 48.07 | 6.92  12.63 23.92 33.55 46.85
b clean baseline 4.47  4.72  6.76  16.20 32.87 48.12 | 7.03  13.97 23.26 34.55 47.49
c 20    robust   5.80  6.27  9.23  18.11 30.40 47.75 | 8.44  14.97 24.98 33.80 47.07
d 20    baseline 5.80  6.19  9.21  18.85 33.28 47.82 | 8.84  17.65 25.37 35.53 47.54
e 10    robust   9.81  10.75 13.87 20.87 30.49 47.37 | 13.89 19.66 25.93 33.79 46.85
f 10    baseline 9.89  10.92 15.00 24.00 36.75 47.48 | 14.64 24.31 30.06 37.83 47.03
g 0     robust   23.15 24.63 28.62 31.50 34.91 46.22 | 29.14 33.15 33.69 38.46 46.21
h 0     baseline 23.18 25.27 29.80 37.66 44.56 48.13 | 30.54 39.90 42.10 45.41 47.89
"""
"""As printed: row, SNR in dB, type; six layers of the VGG-LSTM, five of the pure-LSTM."""


def test_table_1_is_the_papers_cell_by_cell() -> None:
    names = {"LSTM": PURE_LSTM, "VGG-LSTM": VGG_LSTM}
    found = {}
    for line in TABLE_1.strip().splitlines():
        architecture, augmented, *cells = line.split()
        model = {"Yes": "robust", "No": "baseline"}[augmented]
        for split, cell in zip(("dev", "test"), cells, strict=True):
            found[names[architecture], model, split] = float(cell)
    assert len(found) == 8 and found == WER


def test_table_2_is_the_papers_cell_by_cell() -> None:
    layers = {
        VGG_LSTM: ("cnn1", "cnn2", "cnn4", "blstm1", "blstm3", "blstm5"),
        PURE_LSTM: ("blstm1", "blstm2", "blstm3", "blstm4", "blstm5"),
    }
    found = {}
    for line, ours in zip(TABLE_2.strip().splitlines(), LINES, strict=True):
        left, right = line.split("|")
        letter, level, model, *vgg = left.split()
        condition = level if level == "clean" else f"snr{level}"
        assert ours == (letter, condition, model)
        for architecture, cells in ((VGG_LSTM, vgg), (PURE_LSTM, right.split())):
            for layer, cell in zip(layers[architecture], cells, strict=True):
                found[architecture, layer, condition, model] = float(cell)
    assert len(found) == 88 and found == EER


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
