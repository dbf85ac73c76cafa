"""What all tests share: checked shapes, one thread, a cache, tiny speech, a real browser."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
os.environ["WANDB_MODE"] = "offline"
_cache = tempfile.TemporaryDirectory(prefix="otoscope-cache-", ignore_cleanup_errors=True)
os.environ.setdefault("OTOSCOPE_CACHE", _cache.name)

from jaxtyping import install_import_hook  # noqa: E402

PACKAGES = ["acoustics", "asr_models", "corpora", "evaluation", "otoscope", "probes"]
# An int is a float here, as for mypy.
_checker = "beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))"
_hook = install_import_hook(PACKAGES, _checker)

import numpy as np  # noqa: E402
import pytest  # noqa: E402
import torch  # noqa: E402
from lightning import LightningDataModule, Trainer  # noqa: E402
from playwright.sync_api import Browser, sync_playwright  # noqa: E402

from asr_models.checkpoint import calibrate  # noqa: E402
from asr_models.recogniser import Recogniser  # noqa: E402
from asr_models.vgg_lstm import VGGLSTM  # noqa: E402
from corpora.batch import SpeechBatch  # noqa: E402
from evaluation.listening import audio_path, write_audio  # noqa: E402
from evaluation.records import SummaryRow, UtteranceRow, write_rows  # noqa: E402

torch.set_num_threads(1)


WORDS = ("the old sailor", "sings at noon", "a quiet river", "turns to the sea")


def vowels(samples: int, seed: int = 0) -> np.ndarray:
    """Vowel-like sound `(sample,)`: a gliding pitch under moving formants, in syllables."""
    rng = np.random.default_rng(seed)
    time = np.arange(samples) / 16000
    pitch = rng.uniform(95, 220) * (1 + 0.1 * np.sin(2 * np.pi * 1.3 * time + rng.uniform(0, 6)))
    phase = 2 * np.pi * np.cumsum(pitch) / 16000
    sound = 0.002 * rng.normal(size=samples)
    for k in range(1, 35):
        gain = sum(
            np.exp(-(((k * pitch - centre * (1 + 0.25 * np.sin(speed * time))) / 140) ** 2))
            for centre, speed in ((500, 9), (1500, 7), (2600, 5))
        )
        sound += 0.1 * gain * np.sin(k * phase)
    syllables = np.clip(np.sin(2 * np.pi * 3.1 * time + seed), 0, None) ** 0.7
    return (sound * syllables + 0.0005 * rng.normal(size=samples)).astype(np.float32)


def make_batch(lengths: Sequence[int], seed: int = 0, speakers: int = 2) -> SpeechBatch:
    """Vowels of `lengths` samples as a padded batch."""
    rows = [torch.from_numpy(vowels(n, seed + i)) for i, n in enumerate(lengths)]
    waveform = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
    count = range(len(lengths))
    return SpeechBatch(
        waveform=waveform,
        lengths=torch.tensor(lengths),
        clean=waveform.clone(),
        ids=[f"u{seed}-{i}" for i in count],
        speakers=[f"s{(seed + i) % speakers}" for i in count],
        texts=[WORDS[(seed + i) % len(WORDS)] for i in count],
        noises=[""] * len(lengths),
        snr_db=[float("inf")] * len(lengths),
        sexes=["female"] * len(lengths),
        failures=[],
    )


class ListData(LightningDataModule):
    """Ready-made batches as a data module, in the order given."""

    conditions = ("clean",)

    def __init__(self, batches: list[SpeechBatch]) -> None:
        super().__init__()
        self.batches = batches

    def _loader(self) -> torch.utils.data.DataLoader:
        return torch.utils.data.DataLoader(self.batches, batch_size=None)  # type: ignore[arg-type]

    train_dataloader = val_dataloader = _loader

    def test_dataloader(self) -> list[torch.utils.data.DataLoader]:
        return [self._loader()]


def tiny_recogniser(seed: int = 0) -> Recogniser:
    """A VGG-LSTM with random weights and calibrated batch norms."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        recogniser = VGGLSTM(channels=(4, 4, 6, 6), hidden=8)
    batch = make_batch([8000, 6000], seed=40)
    calibrate(recogniser, [(batch.waveform, batch.lengths)])
    return recogniser


def quiet_trainer(folder: Path, **settings: object) -> Trainer:
    """A Trainer on the CPU that prints nothing; it logs and saves only what `settings` ask for."""
    quiet: dict[str, object] = {
        "accelerator": "cpu",
        "devices": 1,
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "num_sanity_val_steps": 0,
        "default_root_dir": folder,
    }
    return Trainer(**(quiet | settings))  # type: ignore[arg-type]


def write_heard_run(
    folder: Path, layers: Sequence[str] = ("cnn1", "blstm1"), speakers: int = 4, each: int = 3
) -> Path:
    """What the listening test reads of a run: utterances, depths, and audio of model `robust`.

    Speaker 0 to `speakers` - 1 is a steady voice of its own; sounds have a quarter of a second.
    """
    names = [(i, f"s{i}-{k}", f"sentence {k}") for i in range(speakers) for k in range(each)]
    sexes = ("female", "male")
    rows = [UtteranceRow(u, f"s{i}", sexes[i % 2], 0.25, 2, 10, text) for i, u, text in names]
    folder.mkdir(parents=True)
    write_rows(folder / "utterances.csv", UtteranceRow, rows)
    place = ("robust", "clean")
    write_rows(
        folder / "summary.csv",
        SummaryRow,
        [
            SummaryRow(*place, layer, depth, "eer", "ge2e", 1.0, None, None, 1, 0)
            for depth, layer in enumerate(layers, start=1)
        ],
    )
    time = np.arange(4000) / 16000
    for number, (speaker, utterance, _) in enumerate(names):
        pitch = 90 + 40 * speaker + 3 * np.sin(2 * np.pi * 4 * time + number)
        voice = sum(np.sin(2 * np.pi * k * pitch * time) / k for k in range(1, 9))
        for layer in ("natural", *layers):
            noise = 0.01 * np.random.default_rng(number).normal(size=len(time))
            write_audio(folder / audio_path(*place, layer, utterance), 0.1 * voice + noise, 16000)
    return folder


@pytest.fixture(name="make_batch", scope="session")
def _make_batch() -> Callable[..., SpeechBatch]:
    return make_batch


@pytest.fixture(name="vowels", scope="session")
def _vowels() -> Callable[..., np.ndarray]:
    return vowels


@pytest.fixture(name="list_data", scope="session")
def _list_data() -> type[ListData]:
    return ListData


@pytest.fixture(name="heard_run", scope="session")
def _heard_run() -> Callable[..., Path]:
    return write_heard_run


@pytest.fixture(name="tiny_recogniser", scope="session")
def _tiny_recogniser() -> Callable[..., Recogniser]:
    return tiny_recogniser


@pytest.fixture(name="quiet_trainer", scope="session")
def _quiet_trainer() -> Callable[..., Trainer]:
    return quiet_trainer


@pytest.fixture
def trainer(tmp_path: Path) -> Callable[..., Trainer]:
    """Makes a quiet Trainer whose files go to the test's own folder."""
    return lambda **settings: quiet_trainer(tmp_path, **settings)


@pytest.fixture
def real_speech() -> Path:
    """The folder of real speech; without it the test is skipped."""
    folder = os.environ.get("OTOSCOPE_SPEECH")
    if not folder:
        pytest.skip("OTOSCOPE_SPEECH is not set: no real speech here")
    return Path(folder)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless Chromium of the system; skips where there is none.

    It lives as long as one test file, not longer: while Playwright is up its event loop counts as
    running in this thread, and `asyncio.run` of other tests would refuse to start.
    """
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no chromium here to open pages with")
    flags = ["--no-sandbox", "--disable-dev-shm-usage", "--mute-audio"]
    flags += ["--autoplay-policy=no-user-gesture-required"]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=flags)
        yield chromium
        chromium.close()
