from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from corpora.embedded import EmbeddedCorpus
from corpora.generated_noise import GeneratedNoise


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    yield str(tmp_path_factory.mktemp("cache"))


def small_corpus(cache: str, seed: int = 0) -> EmbeddedCorpus:
    return EmbeddedCorpus(
        n_train_speakers=6,
        n_dev_speakers=2,
        n_test_speakers=4,
        utterances_per_train_speaker=8,
        utterances_per_dev_speaker=2,
        utterances_per_test_speaker=3,
        seed=seed,
        cache=cache,
    )


@pytest.fixture(scope="session")
def corpus(cache: str) -> EmbeddedCorpus:
    found = small_corpus(cache)
    found.prepare()
    return found


@pytest.fixture(scope="session")
def noise(cache: str) -> GeneratedNoise:
    found = GeneratedNoise(n_music=2, n_noise=5, cache=cache)
    found.prepare()
    return found


def speech_like(seconds: float, seed: int, rate: int = 16000) -> np.ndarray:
    """Noise in syllables: nothing in these tests listens closely."""
    rng = np.random.default_rng(seed)
    time = np.arange(int(seconds * rate)) / rate
    return 0.1 * rng.standard_normal(len(time)) * np.abs(np.sin(8 * time))


TEXTGRID = """File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0.0
xmax = 1.0
tiers? <exists>
size = 2
item []:
	item [1]:
		class = "IntervalTier"
		name = "words"
		xmin = 0.0
		xmax = 1.0
		intervals: size = 3
			intervals [1]:
				xmin = 0.0
				xmax = 0.25
				text = ""
			intervals [2]:
				xmin = 0.25
				xmax = 0.500
				text = "good"
			intervals [3]:
				xmin = 0.500
				xmax = 1.0
				text = "day"
	item [2]:
		class = "IntervalTier"
		name = "phones"
		xmin = 0.0
		xmax = 1.0
		intervals: size = 3
			intervals [1]:
				xmin = 0.0
				xmax = 0.25
				text = "sil"
			intervals [2]:
				xmin = 0.25
				xmax = 0.500
				text = "G"
			intervals [3]:
				xmin = 0.500
				xmax = 1.0
				text = "EY1"
"""


@pytest.fixture
def librispeech(tmp_path: Path) -> Path:
    """A folder in LibriSpeech's layout: 4 training and 2 test speakers, 3 utterances each."""
    root = tmp_path / "speech" / "LibriSpeech"
    table = [";ID  |SEX| SUBSET           |MINUTES| NAME"]
    for number, (subset, speaker) in enumerate(
        [("train-tiny", s) for s in (11, 12, 13, 14)] + [("test-tiny", s) for s in (21, 22)]
    ):
        chapter = root / subset / str(speaker) / "7"
        chapter.mkdir(parents=True)
        table.append(f"{speaker:<5}| {'FM'[number % 2]} | {subset} | 1.00 | A | Name")
        lines = []
        for i in range(3):
            name = f"{speaker}-7-{i:04d}"
            soundfile.write(chapter / f"{name}.flac", speech_like(1.0, 10 * speaker + i), 16000)
            lines.append(f"{name} GOOD DAY TO YOU")
        (chapter / f"{speaker}-7.trans.txt").write_text("\n".join(lines) + "\n")
    (root / "SPEAKERS.TXT").write_text("\n".join(table) + "\n")
    grids = tmp_path / "grids" / "train-tiny" / "11" / "7"
    grids.mkdir(parents=True)
    (grids / "11-7-0000.TextGrid").write_text(TEXTGRID)
    return root
