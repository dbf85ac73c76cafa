"""Two architectures and variants of their probes in one run: two whole run folders, one call."""

import csv
from pathlib import Path

import pytest
import yaml

from otoscope.configuration import load_run
from otoscope.stages import split_stage

slow = pytest.mark.slow

SETTINGS = {
    "models": ["baseline", "robust"],
    "loggers": [],
    "probe": {"layers": ["blstm1", "blstm5"]},
    "evaluation": {"quality": ["stoi"]},
    "states": True,
    "identity": {"utterances_per_speaker": 3},
    "paper": True,
    "probe_variants": {"seed1": {"seed": 1}, "linear": {"body": "linear"}},
    "architectures": {
        "pure_lstm": {
            "recogniser": {
                "class_path": "asr_models.pure_lstm.PureLSTM",
                "init_args": {"hidden": 8},
            },
            "baseline": {"max_steps": 3, "batch_duration_s": 12.0, "validations": 1},
        }
    },
}


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def run(terminal, tiny, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("architectures")
    (folder / "two.yaml").write_text(yaml.safe_dump(SETTINGS))
    call = terminal("run", *tiny, "-c", folder / "two.yaml", "--output", folder / "run").ok()
    assert "pure_lstm/evaluate/robust.seed1/snr0" in call.out
    again = terminal("run", *tiny, "-c", folder / "two.yaml", "--output", folder / "run").ok()
    assert again.done == []
    return folder / "run"


@slow
def test_both_hear_the_same_utterances_mixtures_and_trials(run: Path) -> None:
    for name in ("utterances.csv", "mixtures.csv", "trials.csv"):
        assert (run / name).read_bytes() == (run / "pure_lstm" / name).read_bytes()


@slow
def test_the_sub_folder_is_a_run_of_its_own(run: Path) -> None:
    experiment, _ = load_run(run / "pure_lstm")
    assert type(experiment.recogniser()).__name__ == "PureLSTM"
    assert (experiment.baseline.max_steps, experiment.robust.max_steps) == (3, 4)
    assert experiment.architectures == {}
    for place in (run, run / "pure_lstm"):
        assert (place / "report" / "index.html").is_file()
        summary = rows(place / "summary.csv")
        assert {row["model"] for row in summary} == {"baseline", "robust"}
        depths = {row["layer"]: row["depth"] for row in summary if row["depth"]}
        assert [depths["blstm1"], depths["blstm5"]] == (["5", "9"] if place == run else ["1", "5"])


@slow
def test_variants_are_scored_apart_and_leave_no_sound(run: Path) -> None:
    for place in (run, run / "pure_lstm"):
        variants = rows(place / "variants.csv")
        names = {f"{m}.{v}" for m in ("baseline", "robust") for v in ("seed1", "linear")}
        assert {row["model"] for row in variants} == names
        assert {row["metric"] for row in variants} == {"eer", "min_dcf", "stoi", "mel_l1"}
        heard = {path.name for path in (place / "audio").iterdir()}
        assert heard == {"reference", "baseline", "robust"}


@slow
def test_states_and_identity_are_scored_on_the_same_trials(run: Path) -> None:
    trials = len(rows(run / "trials.csv"))
    for place, natural in ((run, True), (run / "pure_lstm", True)):
        summary = rows(place / "summary.csv")
        scorers = {row["scorer"] for row in summary if row["metric"] == "eer"}
        assert scorers == {"ge2e", "ge2e:natural", "ge2e:adapted", "states"}
        for row in summary:
            if row["metric"] == "eer":
                assert int(row["n_scored"]) + int(row["n_failed"]) == trials
        distances = [row for row in summary if row["metric"] == "state_distance"]
        assert {row["condition"] for row in distances} == {"snr0"}
        layers = {"blstm1", "blstm5"} | ({"natural"} if natural else set())
        assert {row["layer"] for row in distances} == layers


@slow
def test_the_papers_tables_and_figures_are_there(run: Path) -> None:
    names = {path.name for path in (run / "paper").iterdir()}
    assert {"table1.csv", "table1.md", "table1.tex", "table2_ge2e.csv", "claims.md"} <= names
    assert {"figure2.svg", "figure3.png", "figure4.svg"} <= names
    table = rows(run / "paper" / "table1.csv")
    assert {(row["architecture"], row["split"]) for row in table} == {
        (name, split) for name in ("vgg_lstm", "pure_lstm") for split in ("dev", "test")
    }
    page = (run / "report" / "index.html").read_text()
    assert "pure_lstm/report/index.html" in page


@slow
def test_the_differences_are_over_both_seeds_and_of_the_bodies(run: Path) -> None:
    table = rows(run / "contrasts.csv")
    by_name: dict[str, list[dict[str, str]]] = {}
    for row in table:
        by_name.setdefault(row["contrast"], []).append(row)
    assert set(by_name) == {
        "robust - baseline",
        "robust - baseline, beyond clean",
        "robust - baseline, beyond clean, less blstm1",
        "linear - highway",
    }
    stoi = [row for row in by_name["robust - baseline"] if row["metric"] == "stoi"]
    assert {(row["condition"], row["layer"]) for row in stoi} == {
        (condition, layer) for condition in ("clean", "snr0") for layer in ("blstm1", "blstm5")
    }
    assert {row["n_seeds"] for row in stoi} == {"2"}
    for row in stoi:
        assert float(row["lowest"]) <= float(row["difference"]) <= float(row["highest"])
    assert {row["condition"] for row in by_name["robust - baseline, beyond clean"]} == {"snr0"}
    assert {row["model"] for row in by_name["linear - highway"]} == {"baseline", "robust"}


def test_names_that_would_collide_are_refused_before_the_work(here, tiny) -> None:
    for key, value in (
        ("architectures", "{tables: {recogniser: asr_models.pure_lstm.PureLSTM}}"),
        ("probe_variants", "{'a/b': {seed: 1}}"),
    ):
        line = here("run", *tiny, f"--{key}", value).complaint()
        assert line.startswith(f"otoscope: {key}: "), line
    line = here("run", *tiny, "--probe_variants", "{same: {seed: 0}}").complaint()
    assert "'same' is no variant" in line


def test_a_stage_says_where_it_belongs() -> None:
    assert split_stage("evaluate/robust.seed1/snr0") == ("", "evaluate", "robust.seed1", "snr0")
    assert split_stage("pure_lstm/tables") == ("pure_lstm", "tables", "", "")
    assert split_stage("report") == ("", "report", "", "")
