"""Speaker embeddings in batches of similar length, against one utterance after the other.

    python benchmarks/embedding.py [ge2e|ge2e_lstm|ge2e_paper|thin_resnet ...]

Bar: 1.5 times, on two idle cores: `ge2e` is the default verifier, `ge2e_lstm` and `thin_resnet`
have the sizes of `configs/verifier` and `ge2e_paper` the paper's. Both sides must find the same
vectors. The utterances come in no order of length, as in a folder.
"""

import argparse
import os
from collections.abc import Callable

os.environ.setdefault("OMP_NUM_THREADS", "2")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads that spin lose all on a busy machine

import numpy as np
import torch
from fair import fastest, load, speech

from evaluation.verifiers.ge2e import GE2ELSTM
from evaluation.verifiers.resemblyzer import GE2EVerifier
from evaluation.verifiers.thin_resnet import ThinResNet
from evaluation.verifiers.trained import TrainedVerifier
from evaluation.verifiers.verifier import Verifier

VERIFIERS: dict[str, Callable[[], Verifier]] = {
    "ge2e": GE2EVerifier,
    "ge2e_lstm": lambda: TrainedVerifier(GE2ELSTM(hidden=128, projection=0, width=128)),
    "ge2e_paper": lambda: TrainedVerifier(GE2ELSTM()),
    "thin_resnet": lambda: TrainedVerifier(ThinResNet((12, 16, 24, 32, 64), width=128)),
}
DEFAULT = ["ge2e", "ge2e_lstm", "thin_resnet"]  # the paper's takes minutes


def utterances(count: int) -> list[np.ndarray]:
    """`count` utterances of the embedded corpus, shuffled, each of shape (sample,)."""
    found: list[np.ndarray] = []
    for batch in speech(40.0, count // 8):
        for row, length in zip(batch.waveform, batch.lengths.tolist(), strict=True):
            found.append(row[:length].numpy())
    order = np.random.default_rng(0).permutation(len(found))
    return [found[i] for i in order[:count]]


def measure(name: str, sounds: list[np.ndarray], repeats: int) -> None:
    """The ratio for one network."""
    torch.manual_seed(0)
    verifier = VERIFIERS[name]()

    def batched() -> np.ndarray:
        return verifier.embed(sounds).vectors

    def one_by_one() -> np.ndarray:
        return np.concatenate([verifier.embed([sound]).vectors for sound in sounds])

    apart = float(np.abs(batched() - one_by_one()).max())  # warms up, too
    assert apart < 1e-3, f"{name}: the vectors differ by {apart}"
    seconds = fastest({"batched": batched, "one by one": one_by_one}, repeats)
    ratio = seconds["one by one"] / seconds["batched"]
    print(
        f"{name}: batched {seconds['batched']:.2f} s, one by one {seconds['one by one']:.2f} s, "
        f"vectors {apart:.1e} apart: ratio {ratio:.2f} (bar 1.5)"
    )


def main() -> None:
    """Measure and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("verifiers", nargs="*", default=DEFAULT, metavar="|".join(VERIFIERS))
    parser.add_argument("--utterances", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    sounds = utterances(args.utterances)
    print(f"{len(sounds)} utterances, {sum(map(len, sounds)) / 16000:.0f} s of sound, {load()}")
    for name in args.verifiers:
        measure(name, sounds, args.repeats)


if __name__ == "__main__":
    main()
