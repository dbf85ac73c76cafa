"""A toy corpus and a toy recogniser that reads its code, and a search that keeps everything.

Every sample of the corpus is a number that says which phone, word and speaker it belongs to. The
recogniser reads it off, so that what a feature fires on is known; its noise is a hash, in steps of
a power of two, so that sums are exact whatever their order.
"""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from lhotse import MonoCut, SupervisionSegment
from lhotse.supervision import AlignmentItem
from torch import Tensor, nn

from acoustics.frames import Timing, mel_frames, pooled_length, valid_mask
from acoustics.mel import LogMel
from asr_models.layer import Layer
from asr_models.recogniser import Recogniser
from asr_models.tap import LayerTap
from corpora.batch import SpeechBatch

LEXICON = {
    "the": ["dh", "ax"],
    "old": ["ow", "l", "d"],
    "river": ["r", "ih", "v", "er"],
    "sings": ["s", "ih", "ng", "z"],
    "sea": ["s", "iy"],
    "moon": ["m", "uw", "n"],
}
WORDS = list(LEXICON)
PHONES = sorted({phone for phones in LEXICON.values() for phone in phones})  # 15, counted from 1
SPEAKERS = {"ann": "female", "bea": "female", "cyd": "female",
            "dan": "male", "eli": "male", "fay": ""}  # fmt: skip
SCALE = 8192  # code / SCALE is a sample; a speaker, a word and a phone have 4 bits each


class Coarse(nn.Module):
    """Three channels with two bands each, `(batch, channel, state, band)`."""

    def forward(self, codes: Tensor, mask: Tensor) -> Tensor:
        phone, speaker = codes % 16, codes // 256
        bands = torch.stack([_noise(codes, 7), (phone == 1 + PHONES.index("s")).float()], -1)
        signed = torch.stack([_noise(codes, 8) - 0.0625, (speaker % 2) * 2.0 - 1], -1)
        return (
            torch.stack([bands, signed, torch.full_like(bands, 0.25)], 1) * mask[:, None, :, None]
        )


class Fine(nn.Module):
    """Features that fire on one phone, one word, one speaker, never; and two of noise."""

    def forward(self, codes: Tensor, mask: Tensor) -> Tensor:
        phone, word, speaker = codes % 16, codes // 16 % 16, codes // 256
        fires = (phone == 1 + PHONES.index("ih"), word == 1 + WORDS.index("moon"),
                 speaker == 1 + list(SPEAKERS).index("bea"))  # fmt: skip
        heard = [fire + _noise(codes, i) for i, fire in enumerate(fires)]
        rest = [torch.zeros_like(heard[0]), _noise(codes, 4), _noise(codes, 5)]
        return torch.stack([*heard, *rest], -1) * mask[..., None]


def _noise(codes: Tensor, feature: int) -> Tensor:
    """0 to 1/8, in steps of 2^-10: the hash of a code, its time and the feature."""
    time = torch.arange(codes.shape[1])
    return ((codes * 7919 + time * 104729 + feature * 15485863) % 1009 % 128) / 1024


class Toy(Recogniser):
    """Reads the code off every frame, and off the middle of every two."""

    def __init__(self) -> None:
        super().__init__()
        self.config: dict[str, Any] = {}
        self.log_mel = LogMel()
        self.coarse, self.fine, self.head = Coarse(), Fine(), nn.Linear(6, 29)
        self.layers = {
            "coarse": Layer("coarse", "coarse", 1, Timing(160), 6, 3),
            "fine": Layer("fine", "fine", 2, Timing(160).pooled(2), 6, 6),
        }

    def forward(self, waveform: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        frames = mel_frames(lengths, 160)
        codes = (nn.functional.pad(waveform, (0, 400)) * SCALE).round().to(torch.int64)
        early = codes[:, ::160][:, : int(frames.max())]
        self.coarse(early, valid_mask(frames, early.shape[1]))
        states = pooled_length(frames, 2)
        codes = codes[:, 80::320][:, : int(states.max())]  # where its states are centred
        x = self.fine(codes, valid_mask(states, codes.shape[1]))
        return self.head(x.nan_to_num()).log_softmax(-1), states


def make_corpus(seed: int = 0, each: int = 4, shortest: int = 60) -> SimpleNamespace:
    """`cuts`, and `sounds` by id: utterances of some words by every speaker.

    Phones last `shortest` samples or more; those above 320 contain the centre of a state.
    """
    rng = np.random.default_rng(seed)
    cuts, sounds = [], {}
    for number, (speaker, sex) in enumerate(SPEAKERS.items(), start=1):
        for k in range(each):
            name = f"{speaker}-{k}"
            words = list(rng.choice(WORDS, rng.integers(1, 7)))
            cuts.append(_speak(name, speaker, sex, words, number, shortest, rng, sounds))
    return SimpleNamespace(cuts=cuts, sounds=sounds)


def _speak(
    name: str, speaker: str, sex: str, words: list[str], number: int, shortest: int,
    rng: np.random.Generator, sounds: dict[str, np.ndarray],
) -> MonoCut:  # fmt: skip
    codes = [np.full(rng.integers(300, 2000), 256 * number)]
    at, tiers = len(codes[0]), {"word": [], "phone": []}
    for word in words:
        begin = at
        for phone in LEXICON[word]:
            size = int(rng.integers(shortest, 2200))
            code = 256 * number + 16 * (1 + WORDS.index(word)) + 1 + PHONES.index(phone)
            codes.append(np.full(size, code))
            tiers["phone"].append(AlignmentItem(phone, at / 16000, size / 16000))
            at += size
        tiers["word"].append(AlignmentItem(word, begin / 16000, (at - begin) / 16000))
        codes.append(np.full(rng.integers(0, 1500), 256 * number))
        at += len(codes[-1])
    sounds[name] = (np.concatenate(codes) / SCALE).astype(np.float32)
    return make_cut(name, at, speaker, sex or None, " ".join(words), tiers)


def make_cut(
    name: str, samples: int, speaker: str | None = "ann", sex: str | None = "female",
    text: str = "", tiers: dict[str, list[AlignmentItem]] | None = None,
) -> MonoCut:  # fmt: skip
    """A cut without a recording."""
    duration = samples / 16000
    said = SupervisionSegment(
        id=name, recording_id=name, start=0.0, duration=duration, text=text, speaker=speaker,
        gender=sex, alignment=tiers,
    )  # fmt: skip
    return MonoCut(id=name, start=0.0, duration=duration, channel=0, supervisions=[said])


def make_batches(
    corpus: SimpleNamespace, size: int = 5, order: Sequence[int] | None = None
) -> list[SpeechBatch]:
    """The utterances of a corpus in an order, some at a time."""
    cuts = [corpus.cuts[i] for i in (range(len(corpus.cuts)) if order is None else order)]
    return [_batch(corpus, cuts[at : at + size]) for at in range(0, len(cuts), size)]


def _batch(corpus: SimpleNamespace, cuts: list[MonoCut]) -> SpeechBatch:
    rows = [torch.from_numpy(corpus.sounds[cut.id]) for cut in cuts]
    waveform = nn.utils.rnn.pad_sequence(rows, batch_first=True)
    return SpeechBatch(
        waveform=waveform,
        lengths=torch.tensor([len(row) for row in rows]),
        clean=waveform,
        ids=[cut.id for cut in cuts],
        speakers=[cut.supervisions[0].speaker or "" for cut in cuts],
        texts=[cut.supervisions[0].text or "" for cut in cuts],
        noises=[""] * len(cuts),
        snr_db=[float("inf")] * len(cuts),
        sexes=[cut.supervisions[0].gender or "" for cut in cuts],
        failures=[],
    )


def all_states(corpus: SimpleNamespace, recogniser: Recogniser) -> dict[str, list[np.ndarray]]:
    """States `(state, feature)` by layer, every utterance heard alone and everything kept."""
    tap, kept = LayerTap(recogniser), {name: [] for name in recogniser.layers}
    for cut in corpus.cuts:
        sound = torch.from_numpy(corpus.sounds[cut.id])[None]
        for name, states in tap(sound, torch.tensor([sound.shape[1]])).states.items():
            count = recogniser.layers[name].features
            values = states.values[0, : int(states.lengths[0])].numpy()
            kept[name].append(values.reshape(len(values), count, -1).mean(-1))
    return kept


def states_of(timing: Timing, start: int, end: int, count: int) -> list[int]:
    """The states centred in `[start, end)`, else the one nearest to the middle (the later)."""
    centres = [float(timing.centre(i)) for i in range(count)]
    inside = [i for i, centre in enumerate(centres) if start <= centre < end]
    middle = (int(start) + int(end)) / 2
    return inside or [min(range(count), key=lambda i: (abs(centres[i] - middle), -i))]


def all_scores(states: list[np.ndarray], timing: Timing, registry: Any, score: str) -> np.ndarray:
    """Scores `(feature, segment)`, a segment at a time."""
    columns = []
    for owner, start, end in zip(registry.owner, registry.start, registry.end, strict=True):
        own = states[owner]
        chosen = own[states_of(timing, start, end, len(own))]
        total = chosen.sum(0, dtype=np.float32)
        mean = total / np.float32(len(chosen))
        columns.append({"mean": mean, "sum": total, "max": chosen.max(0)}[score])
    return np.stack(columns, axis=1)


def sorted_top(
    scores: np.ndarray, k: int, owners: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Scores and ids `(feature, k)` by sorting everything; each owner at most once."""
    values = np.full((len(scores), k), np.nan, np.float32)
    ids = np.full((len(scores), k), -1)
    for feature, row in enumerate(scores):
        kept: list[int] = []
        finite = [i for i in range(len(row)) if np.isfinite(row[i])]
        for segment in sorted(finite, key=lambda i: (-row[i], i)):
            taken = owners is not None and owners[segment] in {owners[i] for i in kept}
            if not taken and len(kept) < k:
                kept.append(segment)
        ids[feature, : len(kept)], values[feature, : len(kept)] = kept, row[kept]
    return values, ids


@pytest.fixture(scope="session")
def toy() -> SimpleNamespace:
    """All of the above."""
    return SimpleNamespace(
        recogniser=Toy, corpus=make_corpus, cut=make_cut, batches=make_batches,
        states=all_states, states_of=states_of, scores=all_scores, top=sorted_top,
        lexicon=LEXICON, speakers=SPEAKERS,
    )  # fmt: skip
