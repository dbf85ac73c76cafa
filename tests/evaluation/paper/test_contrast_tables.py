"""The paired differences as tables: every contrast that a run has, nothing counted twice."""

from evaluation.contrasts import ContrastRow
from evaluation.paper.contrast_tables import contrast_tables


def row(contrast: str, model: str, condition: str, layer: str, value: float) -> ContrastRow:
    ends = (value, value - 1.0, value + 1.0)
    return ContrastRow(contrast, model, condition, layer, 1, "eer", "v", *ends, 3, value, value)


def test_every_contrast_has_a_table_with_lines_in_the_papers_order(make_run) -> None:
    numbers = {("robust", condition, layer, "eer", "v"): 5.0
               for condition in ("snr0", "clean") for layer in ("cnn1", "blstm1")}  # fmt: skip
    contrasts = [
        row("robust - baseline", "", "snr0", "cnn1", -2.0),
        row("robust - baseline", "", "clean", "cnn1", 0.5),
        row("robust - baseline", "", "snr0", "blstm1", -4.0),
        row("linear - highway", "robust", "clean", "cnn1", 3.0),
        row("linear - highway", "baseline", "clean", "cnn1", 1.0),
    ]
    paired, linear = contrast_tables([make_run(numbers, contrasts=contrasts)])
    assert paired.name == "robust_baseline_eer_v" and linear.name == "linear_highway_eer_v"
    assert paired.labels == [("clean", "both"), ("snr0", "both")]
    assert [[cell.mean for cell in line] for line in paired.lines] == [[0.5, None], [-2.0, -4.0]]
    assert (paired.lines[1][1].ci_low, paired.lines[1][1].ci_high) == (-5.0, -3.0)
    assert paired.reasons == ["vgg_lstm: not in contrasts.csv"]
    assert "mean of 3 probe seed(s)" in paired.caption
    assert linear.labels == [("clean", "baseline"), ("clean", "robust")]
    assert [line[0].mean for line in linear.lines] == [1.0, 3.0]
    assert all(cell.n_scored is None for table in (paired, linear) for cell in table.cells)


def test_a_run_without_contrasts_has_no_such_table(make_run) -> None:
    assert contrast_tables([make_run({("robust", "clean", "cnn1", "eer", "v"): 5.0})]) == []
