"""Batched Griffin-Lim against torchaudio's transform utterance by utterance, from the same mels.

    python benchmarks/griffin_lim.py

Bar: 1.3 times at equal spectral convergence: both get the same iterations, and ours must come at
least as close to the magnitudes that both are given.
"""

import argparse

import torch
from fair import fastest, load, speech
from torchaudio.transforms import GriffinLim as TheirGriffinLim

from acoustics.griffin_lim import GriffinLim
from acoustics.mel import LogMel


def main() -> None:
    """Measure and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--duration-s", type=float, default=40.0)
    parser.add_argument("--iterations", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    log_mel, (batch,) = LogMel(), speech(args.duration_s, 1)
    ours = GriffinLim(log_mel, args.iterations)
    theirs = TheirGriffinLim(512, args.iterations, 400, 160, power=1.0, momentum=0.99)
    mel, frames = log_mel(batch.waveform, batch.lengths)
    seeds = list(range(len(mel)))
    counts, lengths = frames.tolist(), batch.lengths.tolist()

    def batched() -> list[torch.Tensor]:
        sounds = ours(mel, batch.lengths, seeds)
        return [s[:length] for s, length in zip(sounds, lengths, strict=True)]

    def one_by_one() -> list[torch.Tensor]:
        return [theirs(ours.magnitude(m[None, :n])[0].T) for m, n in zip(mel, counts, strict=True)]

    def convergence(sounds: list[torch.Tensor]) -> float:
        """Spectral error of the rendered sounds, relative to the target magnitudes."""
        missed = wanted = 0.0
        for sound, m, n in zip(sounds, mel, counts, strict=True):
            target = ours.magnitude(m[None, :n])[0].T
            found = log_mel.stft(sound[None])[0].abs()[:, : target.shape[1]]
            missed += float((found - target[:, : found.shape[1]]).square().sum())
            wanted += float(target.square().sum())
        return (missed / wanted) ** 0.5

    torch.manual_seed(0)
    error = {"ours": convergence(batched()), "theirs": convergence(one_by_one())}
    seconds = fastest({"ours": batched, "theirs": one_by_one}, args.repeats)
    sound_s = sum(lengths) / 16000
    print(f"{len(lengths)} utterances, {sound_s:.0f} s of sound, {load()}")
    for side in ("ours", "theirs"):
        rate = seconds[side] / sound_s
        print(f"{side}: {rate:.4f} s per s of sound, spectral convergence {error[side]:.4f}")
    print(f"ratio {seconds['theirs'] / seconds['ours']:.2f} (bar 1.3)")


if __name__ == "__main__":
    main()
