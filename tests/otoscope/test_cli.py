"""Help, versions, and recogniser and probes trained and tested by hand."""

import csv
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml

import otoscope
from otoscope.cli import COMMANDS
from otoscope.commands import command_line

CORPUS = {
    "class_path": "corpora.embedded.EmbeddedCorpus",
    "init_args": {
        **{"n_train_speakers": 4, "n_dev_speakers": 2, "n_test_speakers": 3},
        **{
            f"utterances_per_{split}_speaker": n
            for split, n in (("train", 5), ("dev", 2), ("test", 2))
        },
    },
}
HELP = {
    "": ("run", "asr", "probe", "verifier", "layers", "score", "listen", "report", "--help"),
    "run": ("--output", "--config", "--corpus", "--probe.layers", "--evaluation.conditions"),
    "asr": ("{fit,validate,test}", "otoscope asr import"),
    "asr import": ("--from", "--output"),
    "asr fit": ("--output", "--model.learning_rate", "--data.corpus", "--trainer.max_steps"),
    "asr validate": ("--ckpt_path",),
    "asr test": ("--ckpt_path",),
    "probe": ("{fit,validate,test}",),
    "probe fit": ("--output", "--model.recogniser", "--model.layers", "--data.noise"),
    "verifier": ("{fit,validate}",),
    "verifier fit": ("--output", "--model.encoder", "--model.loss", "--data.speakers_per_batch"),
    "verifier validate": ("--weights", "--ckpt_path"),
    "layers": ("recogniser",),
    "score": (
        "--rendered",
        "--reference",
        "--speaker-from",
        "--trials",
        "--recogniser",
        "--output",
    ),
    "listen": ("build", "serve", "score"),
    "listen build": ("--run", "--output", "--layers", "--per-layer", "--no-natural", "--pairs"),
    "listen serve": ("folder", "--port"),
    "listen score": ("folder", "--verifiers"),
    "report": ("run", "--max_megabytes"),
}


@pytest.mark.parametrize("name", HELP)
def test_help_is_complete(name: str, here) -> None:
    said = here(*name.split(), "--help").ok()
    assert said.out.startswith("usage: otoscope")
    assert all(word in said.out for word in HELP[name])
    assert said.err == ""


def test_version_and_no_arguments(terminal) -> None:
    said, bare = terminal.together([["--version"], []])
    assert said.ok().out == f"otoscope {version('otoscope')}\n"
    assert bare.ok().out.startswith("usage: otoscope")
    listed = re.findall(r"^  (\w+) {2,}\w", bare.out, re.MULTILINE)
    assert listed == list(COMMANDS)


def test_run_layers_and_report_do_not_wait_for_what_only_stages_need() -> None:
    """A line of help or of complaint comes in half the time without these imports."""
    slow = {"lightning", "torchmetrics", "transformers", "scipy.signal", "matplotlib", "wandb"}
    code = f"import sys, otoscope.commands; print({slow} & set(sys.modules))"
    root = Path(otoscope.__path__[0]).parent
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert (done.stdout.strip(), done.returncode) == ("set()", 0), done.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_control_c_promises_only_what_is_true(
    name: str, here, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(arguments: list[str]) -> None:
        raise KeyboardInterrupt

    monkeypatch.setitem(COMMANDS, name, stopped)
    said = here(name)
    how = "goes on from here" if name == "run" else "begins anew"
    assert (said.status, said.err) == (130, f"otoscope: stopped; the same command {how}\n")


def test_layers_of_the_embedded_recogniser_and_of_a_run(here, finished) -> None:
    default, run = here("layers"), here("layers", finished[0])
    folder = here("layers", finished[0] / "recognisers" / "robust")
    for said in (default, run, folder):
        table = [line.split("│")[1:-1] for line in said.ok().out.splitlines() if "│" in line]
        found = {cells[0].strip(): [cell.strip() for cell in cells[1:]] for cells in table}
        assert list(found) == [
            *(f"cnn{i}" for i in (1, 2, 3, 4)),
            *(f"blstm{i}" for i in range(1, 6)),
        ]
        assert [cells[1] for cells in found.values()] == ["160"] * 2 + ["320"] * 2 + ["640"] * 5
        assert [cells[0] for cells in found.values()] == [str(i) for i in range(1, 10)]
    assert run.out == folder.out != default.out


def test_the_resolved_settings_can_be_printed(here, tiny) -> None:
    run = here("run", *tiny, "--seed", "7", "--print_config")
    asr = here("asr", "fit", "--model.learning_rate", "0.5", "--print_config")
    probe = here("probe", "fit", "--model.recogniser", "somewhere", "--print_config")
    said = yaml.safe_load(run.ok().out)
    assert (said["seed"], said["name"], said["evaluation"]["bootstrap_replicates"]) == (
        7,
        "tiny",
        100,
    )
    assert yaml.safe_load(asr.ok().out)["model"]["learning_rate"] == 0.5
    assert yaml.safe_load(probe.ok().out)["model"]["recogniser"] == "somewhere"


def write(path: Path, settings: dict[str, object]) -> Path:
    path.write_text(yaml.safe_dump(settings))
    return path


@pytest.mark.slow
def test_recogniser_and_probes_are_trained_and_tested_by_hand(
    terminal, here, finished, tmp_path
) -> None:
    run, folder = finished[0], tmp_path
    trainer = {"max_steps": 2, "val_check_interval": 2, "enable_progress_bar": False}
    trainer |= {"logger": False, "default_root_dir": str(folder / "lightning")}
    data = {"corpus": CORPUS, "batch_duration_s": 12.0}
    small = {"class_path": "asr_models.vgg_lstm.VGGLSTM"}
    small["init_args"] = {"channels": [4, 4, 4, 4], "hidden": 8}
    asr = write(
        folder / "asr.yaml",
        {"trainer": trainer, "model": {"recogniser": small}, "data": data},
    )
    recogniser = folder / "recogniser"
    terminal("asr", "fit", "-c", asr, "--output", recogniser).ok()
    assert "blstm5" in here("layers", recogniser).ok().out
    assert (folder / "lightning" / "config.yaml").is_file()

    scored = folder / "scored"
    callbacks = [
        {
            "class_path": "evaluation.callbacks.ScoreSpeech",
            "init_args": {
                **{"run": str(scored), "trials": str(run / "trials.csv"), "n_iter": 4},
                **{"quality": ["stoi"], "recognisers": {"baseline": str(recogniser)}},
            },
        },
        {
            "class_path": "evaluation.callbacks.ListeningSamples",
            "init_args": {"run": str(scored), "speakers": 2},
        },
    ]
    trainer |= {"callbacks": callbacks, "default_root_dir": str(folder / "bank")}
    bank = {"layers": ["cnn1", "blstm5"], "hidden": 8}
    probe = write(folder / "probe.yaml", {"trainer": trainer, "model": bank, "data": data})
    mine = ("-c", probe, "--model.recogniser", recogniser)
    said = here("probe", "fit", *mine).ok().out
    saved = Path("trained", "probes", "recogniser")
    assert (folder / saved / "probes.safetensors").is_file()
    assert f"saved in {saved}" in said and f"--weights {saved}" in said
    (folder / "trained" / "recognisers" / "vgg_lstm" / "earlier").mkdir(parents=True)
    refused = here("asr", "fit", "-c", asr).complaint()
    assert "trained/recognisers/vgg_lstm holds what was trained before" in refused
    (checkpoint,) = (folder / "bank" / "checkpoints").glob("*.ckpt")

    other = ("-c", probe, "--model.recogniser", run / "recognisers" / "robust")
    here("probe", "test", *mine, "--ckpt_path", checkpoint).ok()
    with (scored / "scores.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["layer"] for row in rows} == {
        *("natural", "copy-synthesis", "mean-mel", "cnn1", "blstm5")
    }
    assert {row["metric"] for row in rows} == {"stoi", "wer", "cer", "mel_l1"}
    assert len(list(scored.glob("audio/baseline/clean/cnn1/*.flac"))) == 6
    assert len(list(scored.glob("mels/baseline/clean/cnn1/*.npy"))) == 2
    assert (scored / "samples.csv").is_file()

    refused = here("probe", "test", *other, "--ckpt_path", checkpoint)
    assert "were trained for another recogniser" in refused.complaint()
    missing = here("probe", "test", *mine, "--ckpt_path", folder / "nowhere.ckpt")
    assert "nowhere.ckpt" in missing.complaint()


def test_a_command_is_kept_as_typed_without_the_way_to_its_folders() -> None:
    typed = ["-c", "mine.yaml", "--output=/home/me/out", "/data/a run", "--x", "a b", "/"]
    kept = "otoscope run -c mine.yaml --output=out 'a run' --x 'a b' /"
    assert command_line("run", typed) == kept
