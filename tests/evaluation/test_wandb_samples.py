"""A real offline wandb run: what was logged is read back from its files, also after a move."""

import base64
import csv
import hashlib
import json
import re
import shutil
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import wandb
from wandb.proto import wandb_internal_pb2 as records

from evaluation.audiation.logged import COLUMNS as SOUND_COLUMNS
from evaluation.audiation.logged import FILES, read_audiations
from evaluation.listening import Sample, read_samples
from evaluation.records import SummaryRow
from evaluation.sonification.logged import COLUMNS
from evaluation.wandb_account import is_logged_in
from evaluation.wandb_logger import finish, hand_over, make_logger
from evaluation.wandb_samples import log_audiation, log_curves, log_samples
from otoscope.logging import log_run


@pytest.fixture
def nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user who has never logged in, with nothing of wandb's outside the temporary folder."""
    for name in ("API_KEY", "MODE", "BASE_URL"):
        monkeypatch.delenv(f"WANDB_{name}", raising=False)
    for name in ("DATA_DIR", "CACHE_DIR", "CONFIG_DIR"):
        monkeypatch.setenv(f"WANDB_{name}", str(tmp_path / "outside" / name))
    monkeypatch.setenv("WANDB_SILENT", "true")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    return tmp_path


def stored(path: Path) -> Iterator[records.Record]:
    """The records of a `.wandb` file: LevelDB's log format behind a 7-byte header."""
    data, position, whole = path.read_bytes(), 7, b""
    while position + 7 <= len(data):
        room = 32768 - position % 32768
        if room < 7:
            position += room
            continue
        _, size, kind = struct.unpack("<IHB", data[position : position + 7])
        position += 7
        whole += data[position : position + size]
        position += size
        if kind in (1, 4):
            yield records.Record.FromString(whole)
            whole = b""


def history(path: Path) -> dict[str, Any]:
    """Everything that was logged, by dotted key."""
    items = [item for record in stored(path) for item in record.history.item]
    return {".".join(item.nested_key) or item.key: json.loads(item.value_json) for item in items}


def summary_of(path: Path) -> dict[str, Any]:
    found = {}
    for record in stored(path):
        for item in record.summary.update:
            found[".".join(item.nested_key) or item.key] = json.loads(item.value_json)
    return found


def test_offline_run_is_read_back_after_a_move(run_folder: Path, nobody: Path) -> None:
    samples = [
        sample
        for sample in read_samples(run_folder)
        if sample.utterance == "f02-0001" and sample.layer in ("natural", "cnn1", "blstm5")
    ]
    gone = Sample("robust", "clean", "cnn2", "lost", "m01", "audio/none.flac", "x.png", "x.npy")
    with (run_folder / "summary.csv").open(newline="") as file:
        summary = [row for row in csv.DictReader(file) if row["metric"] in ("eer", "wer")]
    logger = make_logger(run_folder)
    try:
        log_samples(logger, [*samples, gone], run_folder)
        log_curves(logger.experiment, summary)
    finally:
        finish(logger)
    assert not list((nobody / "outside").rglob("*.flac"))
    moved = Path(shutil.move(run_folder, nobody / "elsewhere"))
    (book,) = moved.glob("wandb/offline-run-*/run-*.wandb")

    entries: dict[str, Path] = {}
    for record in stored(book):
        for entry in record.artifact.manifest.contents:
            inside = Path(entry.local_path).relative_to(run_folder.resolve())
            entries[f"{record.artifact.name}/{entry.path}"] = moved / inside
            content = (moved / inside).read_bytes()
            digest = hashlib.md5(content, usedforsecurity=False).digest()
            assert base64.b64encode(digest).decode() == entry.digest

    tables = {name: path for name, path in entries.items() if name.endswith("clean.table.json")}
    table = json.loads(next(p for n, p in tables.items() if "listening" in n).read_text())
    assert table["columns"] == ["model", "layer", "utterance", "speaker", "audio", "mel"]
    wanted = [sample for sample in samples if sample.condition == "clean"]
    assert [row[:4] for row in table["data"][:-1]] == [
        [sample.model, sample.layer, sample.utterance, sample.speaker] for sample in wanted
    ]
    assert table["data"][-1] == ["robust", "cnn2", "lost", "m01", None, None]
    by_path = {name.split("/", 1)[1]: path for name, path in entries.items()}
    for row, sample in zip(table["data"], wanted, strict=False):
        assert by_path[row[4]["path"]].read_bytes() == (moved / sample.audio).read_bytes()
        assert by_path[row[5]["path"]].read_bytes() == (moved / sample.picture).read_bytes()

    logged = history(book)
    assert logged["listening/clean.nrows"] == len(wanted) + 1
    assert logged["listening/snr0.nrows"] == len(samples) - len(wanted)
    assert any(key.startswith("curves/eer.ge2e/clean") for key in logged)
    numbers = summary_of(book)
    for row in summary:
        name = f"{row['metric']}.{row['scorer']}/{row['condition']}/{row['model']}/{row['layer']}"
        assert numbers[name] == pytest.approx(float(row["mean"]))


def test_examples_of_sonification_are_a_table_with_sounds(sonified_run: Path, nobody: Path) -> None:
    studies = sonified_run / "sonification"
    (studies / "robust/clips/best1.flac").unlink()
    (sonified_run / "summary.csv").write_text(",".join(f.name for f in fields(SummaryRow)) + "\n")
    log_run(sonified_run, "mine", ["wandb"])
    (book,) = sonified_run.glob("wandb/offline-run-*/run-*.wandb")
    paths = {
        entry.path: Path(entry.local_path)
        for record in stored(book)
        for entry in record.artifact.manifest.contents
    }
    (path,) = (path for name, path in paths.items() if name.endswith("robust.table.json"))
    table = json.loads(path.read_text())
    assert table["columns"] == [*COLUMNS, "audio"]
    assert [row[:-1] for row in table["data"]] == [
        [layer, 2, 0.4, rank, 0.5, "w01", "female", "sea", "s iː"]
        for layer in ("conv1", "conv2", "lstm1")
        for rank in (1, 2)
    ]
    sounds = [row[-1] for row in table["data"]]
    assert sounds[1::2] == [None] * 3  # their clip is gone
    best = (studies / "robust/clips/best0.flac").read_bytes()
    assert all(paths[sound["path"]].read_bytes() == best for sound in sounds[::2])
    logged = history(book)
    assert logged["sonification/baseline.nrows"] == 6
    for name in ("dominance/segments", "complexity/words"):
        assert any(key.startswith(f"sonification/curves/{name}") for key in logged)
    picture = book.parent / "files" / logged["sonification/figures/baseline/heat_map.path"]
    assert picture.read_bytes() == (studies / "baseline/figures/heat_map.png").read_bytes()


def test_audiations_are_a_table_with_sounds_and_pictures(audiated_run: Path, nobody: Path) -> None:
    logger = make_logger(audiated_run)
    try:
        log_audiation(logger, read_audiations(audiated_run))
    finally:
        finish(logger)
    (book,) = audiated_run.glob("wandb/offline-run-*/run-*.wandb")
    paths = {
        entry.path: Path(entry.local_path)
        for record in stored(book)
        for entry in record.artifact.manifest.contents
    }
    (path,) = (path for name, path in paths.items() if name.endswith("robust.table.json"))
    table = json.loads(path.read_text())
    assert table["columns"] == [*SOUND_COLUMNS, *FILES]
    assert [row[:2] for row in table["data"]] == [["conv1", 3], ["lstm1", 0], ["lstm1", 7]]
    folder = audiated_run / "audiation" / "robust"
    for row, name in zip(table["data"], ("conv1-3", "lstm1-0"), strict=False):
        cells = dict(zip(table["columns"], row, strict=True))
        assert (cells["start"], cells["reached"], cells["rank"]) == (0.5, 3.0, 1)
        sound, picture = paths[cells["audio"]["path"]], paths[cells["picture"]["path"]]
        assert sound.read_bytes() == (folder / "sounds" / f"{name}.flac").read_bytes()
        assert picture.read_bytes() == (folder / "pictures" / f"{name}.png").read_bytes()
        assert cells["clip"] is None  # it is not on disk
    dead = dict(zip(table["columns"], table["data"][2], strict=True))
    assert (dead["problem"], dead["reached"], dead["audio"]) == ("dead", None, None)
    logged = history(book)
    film = book.parent / "files" / logged["audiation/figures/robust/evolution-3.path"]
    assert film.read_bytes() == (folder / "learned_inputs" / "evolution-3.gif").read_bytes()
    assert "audiation/figures/robust/reached.path" in logged


def test_logged_in_or_not(nobody: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not is_logged_in()
    (nobody / "netrc").write_text("machine elsewhere.example login user password made-up\n")
    assert not is_logged_in()
    (nobody / "netrc").write_text("machine api.wandb.ai login user password made-up\n")
    assert is_logged_in()
    (nobody / "netrc").write_text("machine without end \x00")
    assert not is_logged_in()
    monkeypatch.setenv("WANDB_API_KEY", "made-up")
    assert is_logged_in()


def test_mode_set_by_the_user_decides(nobody: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert make_logger(nobody)._offline
    monkeypatch.setenv("WANDB_API_KEY", "made-up")
    assert not make_logger(nobody)._offline
    monkeypatch.setenv("WANDB_MODE", "offline")
    assert make_logger(nobody)._offline


@pytest.mark.parametrize("key", ["0" * 40, "too short to be one"])
def test_a_server_that_cannot_be_reached_costs_one_line(
    key: str,
    run_folder: Path,
    nobody: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """The user is logged in, nobody answers: all is in an offline run, to be synced later."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("WANDB_BASE_URL", f"http://127.0.0.1:{taken.getsockname()[1]}")
    monkeypatch.setenv("WANDB_API_KEY", key)
    monkeypatch.setenv("WANDB_INIT_TIMEOUT", "2")
    wandb.teardown()  # it has read the environment before
    assert is_logged_in()
    try:
        log_run(run_folder, "mine", ["wandb"])
    finally:
        wandb.teardown()
    said = capfd.readouterr().err
    assert "Traceback" not in said
    (note,) = (line for line in said.splitlines() if line.startswith("note: "))
    found = re.search(
        r"^note: W&B failed .+; the samples stay on disk; 'wandb sync (.+)' uploads", note
    )
    assert found is not None, note
    (book,) = Path(found[1]).glob("run-*.wandb")
    assert book.is_relative_to(run_folder.resolve())
    samples = [s for s in read_samples(run_folder) if s.condition == "clean"]
    assert history(book)["listening/clean.nrows"] == len(samples) > 0


BUCKET = {"id": "x", "name": "mine", "displayName": "mine", "description": "", "config": "{}"}
BUCKET |= {"project": {"id": "p", "name": "otoscope", "entity": {"id": "e", "name": "me"}}}
VIEWER = {"id": "u", "entity": "me", "username": "me", "flags": "{}", "teams": {"edges": []}}


@contextmanager
def dying_server() -> Iterator[str]:
    """A server of W&B's that lets one run begin and answers nothing from then on."""
    begun = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            if begun.is_set():
                return
            data: dict[str, Any] = {"viewer": VIEWER}
            if "upsertBucket" in asked:
                data = {"upsertBucket": {"inserted": True, "bucket": BUCKET}}
                begun.set()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"data": data}).encode())

        def log_message(self, *_: object) -> None:
            return None

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
    assert begun.is_set()


def test_a_server_that_dies_after_the_beginning_is_given_up(
    nobody: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would hold `finish` for ever; the samples are in an offline run instead."""
    run = nobody / "run"
    run.mkdir()
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    monkeypatch.setenv("WANDB_FINISH_TIMEOUT", "1")
    with dying_server() as address:
        monkeypatch.setenv("WANDB_BASE_URL", address)
        wandb.teardown()  # it has read the environment before
        try:
            said = hand_over(run, "mine", lambda logger: logger.experiment.log({"heard": 3}))
        finally:
            wandb.teardown()
    found = re.match(r"W&B failed \(Timed out .+\); .+ 'wandb sync (.+)' uploads them$", said)
    assert found is not None, said
    (book,) = Path(found[1]).glob("run-*.wandb")
    assert "offline-run" in found[1] and history(book)["heard"] == 3
