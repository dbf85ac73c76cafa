"""Which verifiers score a run, and how those that are trained here are trained."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from acoustics.errors import UserError
from corpora.corpus import Corpus
from corpora.embedded import EmbeddedCorpus
from corpora.voices import KEPT_APART
from evaluation.verifiers.encoder import SpeakerEncoder
from evaluation.verifiers.resemblyzer import GE2EVerifier
from evaluation.verifiers.speechbrain import RECIPES, SpeechbrainVerifier, find_weights
from evaluation.verifiers.trained import TrainedVerifier
from evaluation.verifiers.verifier import Verifier

READY_MADE: dict[str, Callable[[bool], Verifier]] = {
    "ge2e": lambda download: GE2EVerifier(),  # its weights came with the package
    "ecapa": lambda download: SpeechbrainVerifier("ecapa", download=download),
    "xvector": lambda download: SpeechbrainVerifier("xvector", download=download),
}


@dataclass
class VerifierTraining:
    """How a verifier is trained.

    Attributes:
        encoder: the network.
        corpus: its speakers; none may be among those that are tested.
        loss: `ge2e`, or `margin` for additive-margin softmax.
        max_steps: optimiser steps.
        learning_rate: peak of the warm-up and cosine schedule.
        speakers_per_batch: distinct speakers in a batch.
        utterances_per_speaker: utterances of each.
        crop_s: shortest and longest crop, in seconds.
        validations: how often held-out speakers are verified on the way.
    """

    encoder: Callable[[], SpeakerEncoder]
    corpus: Corpus
    loss: Literal["ge2e", "margin"] = "ge2e"
    max_steps: int = 900
    learning_rate: float = 2e-3
    speakers_per_batch: int = 16
    utterances_per_speaker: int = 4
    crop_s: tuple[float, float] = (1.2, 1.8)
    validations: int = 4


def check_verifiers(
    names: Sequence[str], trained: Mapping[str, VerifierTraining], download: bool = False
) -> None:
    """Refuse unknown names, names twice, and trained ones that are ready-made or not named.

    Weights of speechbrain's that are missing are fetched where `download` asks for it.

    Raises:
        UserError: names the key.
    """
    if not names:
        raise UserError("verifiers: name at least one, e.g. ge2e")
    if len(set(names)) < len(names):
        raise UserError("verifiers: one is named twice")
    taken = sorted(set(trained) & set(READY_MADE))
    if taken:
        raise UserError(f"trained_verifiers: {taken[0]!r} is a ready-made one; choose another name")
    known = [*READY_MADE, *trained]
    for name in names:
        if name not in known:
            raise UserError(f"verifiers: unknown {name!r}; known are {', '.join(known)}")
    unused = [name for name in trained if name not in names]
    if unused:
        raise UserError(
            f"trained_verifiers: {unused[0]!r} would score nothing, for verifiers does not name "
            "it; add it there, or leave its settings out"
        )
    for name in names:
        if name in RECIPES:
            find_weights(name, download=download)


def check_apart(trained: Mapping[str, VerifierTraining], corpus: Corpus) -> None:
    """Refuse embedded voices that a verifier would learn and the run would test.

    Raises:
        UserError: names the key.
    """
    if not isinstance(corpus, EmbeddedCorpus):
        return
    tested = corpus.voices("test")
    for name, training in trained.items():
        own = training.corpus
        if isinstance(own, EmbeddedCorpus) and (shared := sorted(tested & own.voices("train"))):
            raise UserError(
                f"trained_verifiers.{name}.corpus: it trains on {len(shared)} voices that are "
                f"tested, e.g. {shared[0]}; ask for fewer test speakers (EmbeddedSpeakers keeps "
                f"the first {KEPT_APART} apart)"
            )


def load_verifier(name: str, run: Path) -> Verifier:
    """A ready-made verifier, or the one that this run trained under that name."""
    if name in READY_MADE:
        return READY_MADE[name](False)
    return TrainedVerifier(run / "verifiers" / name, name)


def find_verifiers(given: Sequence[str], download: bool = False) -> list[Verifier]:
    """Ready-made verifiers by name, and saved ones by their folders, which name them.

    Weights of ready-made ones that are missing are fetched where `download` asks for it.

    Raises:
        UserError: one is neither, or two have one name.
    """
    names = [text if text in READY_MADE else Path(text).resolve().name for text in given]
    if len(set(names)) < len(names):
        raise UserError("--verifiers: two have one name, which the tables need; rename a folder")
    found: list[Verifier] = []
    for text, name in zip(given, names, strict=True):
        if text not in READY_MADE and not Path(text).is_dir():
            raise UserError(
                f"--verifiers: {text!r} is neither a folder nor one of {', '.join(READY_MADE)}"
            )
        own = text not in READY_MADE
        found.append(TrainedVerifier(text, name) if own else READY_MADE[text](download))
    return found
