"""`otoscope run` from speech to report: what it leaves, and what a second call does."""

import csv
import re
from collections import Counter
from pathlib import Path

import pytest
import soundfile

from otoscope.configuration import load_run

MODELS = ("baseline", "robust", "untrained")
CONDITIONS = ("clean", "snr0")
REFERENCES = ("natural", "copy-synthesis", "mean-mel")
LAYERS = ("cnn1", "cnn4", "blstm1", "blstm5")
TRAINED = [f"{kind}/{model}" for kind in ("recognisers", "probes") for model in MODELS]
SCORED = [f"evaluate/{model}/{condition}" for model in MODELS for condition in CONDITIONS]
STAGES = {"corpus", *TRAINED, *SCORED, "tables", "report"}

SCORES = "model,condition,noise,layer,utterance,speaker,metric,scorer,value,failure"
SUMMARY = "model,condition,layer,depth,metric,scorer,mean,ci_low,ci_high,n_scored,n_failed"


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def header(path: Path) -> str:
    return path.read_text().splitlines()[0]


@pytest.fixture(scope="module")
def run(finished) -> Path:
    return finished[0]


def test_it_leaves_what_it_promises(run: Path) -> None:
    for name in ("config.yaml", "trials.csv", "trial_scores.csv", "report/index.html"):
        assert (run / name).stat().st_size > 0
    for model in MODELS:
        assert (run / "recognisers" / model / "recogniser.safetensors").is_file()
        assert (run / "probes" / model / "probes.safetensors").is_file()
        assert header(run / "probes" / model / "curves.csv") == "step,split,layer,mel_l1"
    assert header(run / "scores.csv") == SCORES
    assert header(run / "summary.csv") == SUMMARY
    assert not list((run / ".unfinished").glob("*"))


def test_all_scored_audio_is_there_16_bit_at_16_khz_and_its_true_length(run: Path) -> None:
    experiment, _ = load_run(run)
    utterances = {cut.id: cut.num_samples for cut in experiment.corpus.load("test")}
    assert set(utterances) == {row["utterance"] for row in rows(run / "utterances.csv")}
    folders = [("reference", layer) for layer in REFERENCES]
    folders += [(model, layer) for model in MODELS for layer in LAYERS]
    wanted = {
        f"{model}/{condition}/{layer}/{utterance}.flac"
        for model, layer in folders
        for condition in CONDITIONS
        for utterance in utterances
    }
    found = {p.relative_to(run / "audio").as_posix(): p for p in run.glob("audio/*/*/*/*.flac")}
    assert set(found) == wanted
    for path in found.values():
        info = soundfile.info(path)
        assert (info.samplerate, info.channels, info.subtype) == (16000, 1, "PCM_16")
        assert info.frames == utterances[path.stem]


def test_every_layer_of_every_model_has_its_rows_and_counts(run: Path) -> None:
    table = rows(run / "summary.csv")
    places = [(row["model"], row["condition"], row["layer"]) for row in table]
    assert set(places) == {
        (m, c, layer) for m in MODELS for c in CONDITIONS for layer in (*REFERENCES, *LAYERS)
    }
    names = [
        (*place, row["metric"], row["scorer"]) for place, row in zip(places, table, strict=True)
    ]
    assert max(Counter(names).values()) == 1
    expected = {"eer", "min_dcf", "pesq_wb", "pesq_nb", "stoi", "estoi", "wer", "cer"}
    for place in set(places):
        metrics = {
            row["metric"] for where, row in zip(places, table, strict=True) if where == place
        }
        assert metrics >= expected
        assert ("mel_l1" in metrics) == (place[2] not in ("natural", "copy-synthesis"))
    for row in table:
        number = {"eer": 6, "min_dcf": 6, "wer": 6, "cer": 6, "mel_l1": 6}.get(row["metric"], 3)
        assert int(row["n_scored"]) + int(row["n_failed"]) == number
        assert bool(row["mean"]) == (int(row["n_scored"]) > 0)
        if row["mean"]:
            assert float(row["ci_low"]) <= float(row["mean"]) <= float(row["ci_high"])
    depths = {row["layer"]: row["depth"] for row in table}
    assert [depths[layer] for layer in (*REFERENCES, *LAYERS)] == ["", "", "", "1", "4", "5", "9"]


def test_speech_is_transcribed_by_both_trained_recognisers(run: Path) -> None:
    for model in MODELS:
        scorers = {
            row["scorer"]
            for row in rows(run / "summary.csv")
            if row["model"] == model and row["metric"] == "wer"
        }
        assert scorers == {"baseline", "robust"}


def test_the_references_are_the_same_under_every_model(run: Path) -> None:
    said = [
        [tuple(r.values())[1:] for r in rows(run / "scores.csv") if r["model"] == model]
        for model in MODELS
    ]
    shared = [[row for row in table if row[2] in REFERENCES] for table in said]
    assert shared[0] and shared[0] == shared[1] == shared[2]


def test_a_score_is_a_value_or_a_reason(run: Path) -> None:
    for name, value in (("scores.csv", "value"), ("trial_scores.csv", "score")):
        assert all(bool(row[value]) != bool(row["failure"]) for row in rows(run / name))


def test_trials_are_balanced_and_scored_everywhere(run: Path) -> None:
    trials = rows(run / "trials.csv")
    assert Counter(row["target"] for row in trials) == {"1": 3, "0": 3}
    scored = Counter(
        (row["model"], row["condition"], row["layer"]) for row in rows(run / "trial_scores.csv")
    )
    assert set(scored.values()) == {len(trials)}
    assert len(scored) == len(MODELS) * len(CONDITIONS) * len(REFERENCES + LAYERS)


def test_it_prints_tables_and_the_time_of_each_stage(finished) -> None:
    _, call = finished
    assert set(call.done) == STAGES
    _, _, times = call.out.partition("\nstages")
    assert set(re.findall(r"^ (\S+) +[\d.]+ *$", times, re.MULTILINE)) >= STAGES
    for model in MODELS:
        assert all(f"{model} · {condition}" in call.out for condition in CONDITIONS)
    assert "report/index.html" in call.out
    assert "Traceback" not in call.err


def test_a_second_call_finds_everything_done(terminal, finished) -> None:
    """By the run's own configuration, which is what `otoscope listen score` advises."""
    run, _ = finished
    before = {path: path.stat().st_mtime_ns for path in (run / ".stages").iterdir()}
    call = terminal("run", "-c", run / "config.yaml", "--output", run).ok()
    assert call.done == []
    assert "15 of 15 stages are done" in call.out
    seconds = re.search(r"this call took ([\d.]+) s", call.out)
    print(f"a second call: {call.seconds:.1f} s")
    assert seconds is not None and float(seconds[1]) < call.seconds < 45  # 15 on an idle machine
    assert before == {path: path.stat().st_mtime_ns for path in (run / ".stages").iterdir()}


@pytest.mark.slow
def test_more_replicates_touch_the_tables_only(terminal, copied, tiny) -> None:
    """And of two commands at once in one folder, one says so and ends."""
    changed = ("run", *tiny, "--evaluation.bootstrap_replicates", "50", "--loggers", "[]")
    changed = (*changed, "--output", copied)
    scores = (copied / "scores.csv").read_bytes()
    first, second = sorted(terminal.together([changed, changed]), key=lambda call: call.status)
    assert first.ok().done == ["tables", "report"]
    assert second.complaint().endswith("another otoscope run is at work there; wait or stop it")
    assert len(second.err.splitlines()) == 1
    assert (copied / "scores.csv").read_bytes() == scores
    assert "bootstrap_replicates: 50" in (copied / "config.yaml").read_text()


@pytest.mark.slow
def test_other_probes_leave_the_recognisers_alone(terminal, copied, tiny) -> None:
    before = (copied / "recognisers" / "baseline" / "recogniser.safetensors").stat()
    less = (
        "--models",
        "[baseline]",
        "--probe.layers",
        "[blstm5]",
        "--evaluation.quality",
        "[stoi]",
        *("--loggers", "[]"),
    )
    call = terminal("run", *tiny, *less, "--output", copied).ok()
    evaluations = {f"evaluate/baseline/{condition}" for condition in CONDITIONS}
    assert (call.done[0], {*call.done[1:3]}) == ("probes/baseline", evaluations)
    assert call.done[3:] == ["tables", "report"]
    after = (copied / "recognisers" / "baseline" / "recogniser.safetensors").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    table = rows(copied / "summary.csv")
    assert {row["model"] for row in table} == {"baseline"}
    assert {row["layer"] for row in table} == {*REFERENCES, "blstm5"}
    heard = {path.name for path in (copied / "audio" / "baseline").glob("*/*")}
    assert heard == {"blstm5"}, "nothing stale is left to listen to"
