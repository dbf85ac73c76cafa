"""What all tests share: checked shapes, one thread, a cache, tiny speech, a real browser."""

import asyncio
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

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

import aiohttp  # noqa: E402
import numpy as np  # noqa: E402
import pytest  # noqa: E402
import torch  # noqa: E402
from lightning import LightningDataModule, Trainer  # noqa: E402

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


class Page:
    """A page of a real browser, driven through its DevTools protocol."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket, self.number = socket, 0
        self.events: list[dict[str, Any]] = []

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command; what happens meanwhile is kept in `events`."""
        self.number += 1
        command = {"id": self.number, "method": method, "params": parameters}
        await self.socket.send_json(command)
        while True:
            said = await self.socket.receive_json(timeout=30)
            if said.get("id") == self.number:
                assert "error" not in said, said
                result: dict[str, Any] = said["result"]
                return result
            self.events.append(said)

    async def js(self, expression: str) -> Any:
        """The value of an expression."""
        done = await self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in done, done
        return done["result"].get("value")

    async def until(self, expression: str, timeout_s: float = 20.0) -> None:
        """Waits for an expression to be true."""
        end = time.monotonic() + timeout_s
        while not await self.js(expression):
            body = await self.js("document.body.innerText")
            assert time.monotonic() < end, f"never: {expression}\n{body}"
            await asyncio.sleep(0.02)

    async def go(self, address: str) -> None:
        """Opens an address."""
        await self.call("Page.navigate", url=address)
        await self.until(f"document.readyState === 'complete' && location.href === '{address}'")

    async def key(self, key: str) -> None:
        """Presses and releases a key."""
        text = {"text": key} if len(key) == 1 else {}
        await self.call("Input.dispatchKeyEvent", type="keyDown", key=key, **text)
        await self.call("Input.dispatchKeyEvent", type="keyUp", key=key)

    async def click(self, selector: str) -> None:
        """Moves the mouse to the middle of an element, and clicks."""
        x, y = await self.js(
            f"(() => {{ const e = document.querySelector(`{selector}`); "
            "e.scrollIntoView({ behavior: 'instant', block: 'center' }); "
            "const { x, y, width, height } = e.getBoundingClientRect(); "
            "return [x + width / 2, y + height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            where = {"x": x, "y": y, "button": "left", "clickCount": 1}
            await self.call("Input.dispatchMouseEvent", type=kind, **where)

    async def write(self, text: str) -> None:
        """Types text where the cursor is."""
        await self.call("Input.insertText", text=text)


class Browser:
    """Headless Chromium."""

    def __init__(self, port: int, http_session: aiohttp.ClientSession) -> None:
        self.port, self.http = port, http_session

    async def page(self) -> Page:
        """A new empty page."""
        address = f"http://127.0.0.1:{self.port}/json/new?about:blank"
        async with self.http.put(address) as response:
            told = await response.json(content_type=None)
        page = Page(await self.http.ws_connect(told["webSocketDebuggerUrl"], max_msg_size=0))
        for domain in ("Page", "Runtime", "Log", "Network"):
            await page.call(f"{domain}.enable")
        return page


@pytest.fixture(scope="session")
def with_browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., None]]:
    """Runs a coroutine function with a browser; skips where there is none."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no chromium here to take the test with")
    folder = tmp_path_factory.mktemp("chromium")
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"]
    flags += ["--mute-audio", "--disable-background-networking", "--disable-component-update"]
    flags += ["--window-size=1100,900", "--remote-debugging-port=0", f"--user-data-dir={folder}"]
    process = subprocess.Popen(
        [program, *flags, "about:blank"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        ports, end = folder / "DevToolsActivePort", time.monotonic() + 60
        while not (ports.exists() and ports.read_text().count("\n")):
            assert time.monotonic() < end and process.poll() is None
            time.sleep(0.05)
        port = int(ports.read_text().split()[0])

        async def run(script: Callable[..., Any], *arguments: Any) -> None:
            async with aiohttp.ClientSession() as http_session:
                await script(Browser(port, http_session), *arguments)

        yield lambda script, *arguments: asyncio.run(run(script, *arguments))
    finally:
        process.terminate()
        process.wait(20)
