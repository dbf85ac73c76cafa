"""Hours that an experiment takes on this machine, from a few measured steps and rendered seconds.

    python benchmarks/paper_cost.py [FILE] [--device cuda] [--share 0.1]

FILE is an experiment (default: configs/experiments/paper.yaml). Every training makes a few steps
of its own size on noise; seconds a step times its steps are hours. Rendering is measured on one
batch of noise and counted for all banks, layers and conditions, each heard by the first verifier.
Where a batch does not fit, `--share` takes that share of it and the time is scaled up: honest for
work that grows with speech. PESQ and STOI (processes of their own), validation and reading the
corpora are not in it.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from fair import load
from torch import Tensor, nn

from acoustics.griffin_lim import GriffinLim
from asr_models.recogniser import Recogniser
from corpora.batch import SpeechBatch
from corpora.corpus import SAMPLE_RATE
from evaluation.scoring import pcm_list
from evaluation.verifiers.encoder import SpeakerEncoder
from evaluation.verifiers.ge2e import GE2ELoss
from evaluation.verifiers.margin import MarginLoss
from otoscope.configuration import build, experiment_parser
from otoscope.experiment import Experiment
from otoscope.settings import Training
from otoscope.verification import VerifierTraining, load_verifier
from probes.bank import ProbeBank

UTTERANCE_S = 12.0  # LibriSpeech's train-clean-100, on average
SPEAKERS = 5954  # of VoxCeleb 2, less those held out
TEST_S = 5.4 * 3600  # LibriSpeech's test-clean


def noise(batch_s: float, utterance_s: float, device: str) -> tuple[Tensor, Tensor]:
    """A batch of that many seconds in utterances of one length."""
    count = max(1, round(batch_s / utterance_s))
    lengths = torch.full((count,), int(min(utterance_s, batch_s) * SAMPLE_RATE), device=device)
    waveform = 0.1 * torch.randn(count, int(lengths[0]), device=device)
    return waveform, lengths


def speech(waveform: Tensor, lengths: Tensor) -> SpeechBatch:
    """Noise as a batch of the data module."""
    names = [f"u{i}" for i in range(len(lengths))]
    infinite = [float("inf")] * len(names)
    return SpeechBatch(waveform, lengths, waveform, names, names, names, names, infinite, names, [])


def seconds(step: Callable[[], Tensor], module: nn.Module, repeats: int, device: str) -> float:
    """The fastest of some optimiser steps."""
    optimizer = torch.optim.AdamW([p for p in module.parameters() if p.requires_grad], fused=True)
    best = float("inf")
    for _ in range(repeats + 1):  # the first warms up
        began = time.perf_counter()
        optimizer.zero_grad()
        step().backward()
        optimizer.step()
        if device != "cpu":
            torch.cuda.synchronize()
        best = min(best, time.perf_counter() - began)
    return best


def recogniser_step(recogniser: Recogniser, training: Training, share: float, device: str) -> float:
    """Seconds of a CTC step."""
    waveform, lengths = noise(share * training.batch_duration_s, UTTERANCE_S, device)
    targets = torch.randint(1, 20, (len(lengths), 100), device=device)
    sizes = torch.full((len(lengths),), 100, device=device)
    recogniser = recogniser.to(device).train()

    def step() -> Tensor:
        log_probs, steps = recogniser(waveform, lengths)
        loss = nn.functional.ctc_loss(
            log_probs.transpose(0, 1), targets, steps, sizes, zero_infinity=True
        )
        return loss

    return seconds(step, recogniser, 2, device)


def probe_step(recogniser: Recogniser, experiment: Experiment, share: float, device: str) -> float:
    """Seconds of a step of the whole bank."""
    training = experiment.probe.training
    bank = ProbeBank(recogniser, hidden=experiment.probe.hidden).to(device)
    batch = speech(*noise(share * training.batch_duration_s, UTTERANCE_S, device))
    return seconds(lambda: torch.stack([*bank.losses(batch).values()]).sum(), bank, 2, device)


def verifier_step(training: VerifierTraining, share: float, device: str) -> float:
    """Seconds of a step on crops."""
    encoder: SpeakerEncoder = training.encoder().to(device)
    speakers = max(2, round(share * training.speakers_per_batch))
    crop_s = sum(training.crop_s) / 2
    count = speakers * training.utterances_per_speaker
    waveform, lengths = noise(count * crop_s, crop_s, device)
    loss = GE2ELoss() if training.loss == "ge2e" else MarginLoss(SPEAKERS, encoder.width)
    loss, whose = loss.to(device), torch.arange(speakers, device=device)

    def step() -> Tensor:
        vectors = encoder(waveform, lengths)
        value: Tensor = loss(vectors.reshape(speakers, training.utterances_per_speaker, -1), whose)
        return value

    return seconds(step, encoder, 2, device)


@torch.inference_mode()
def rendering(recogniser: Recogniser, experiment: Experiment, share: float, device: str) -> float:
    """Seconds that all layers of a second of speech take: states, probes, Griffin-Lim, verifier."""
    bank = ProbeBank(recogniser, hidden=experiment.probe.hidden).to(device).eval()
    vocoder = GriffinLim(bank.log_mel, experiment.evaluation.griffin_lim_iterations).to(device)
    verifier = load_verifier(experiment.verifiers[0], Path())
    verifier.move_to(device)
    batch = speech(*noise(share * experiment.evaluation.batch_duration_s, UTTERANCE_S, device))
    took = []
    for _ in range(2):  # the first warms up
        began = time.perf_counter()
        for mel in bank.reconstruct(batch).values():
            verifier.embed(pcm_list(vocoder(mel, batch.lengths, [0] * len(batch)), batch.lengths))
        took.append(time.perf_counter() - began)
    return min(took) * SAMPLE_RATE / float(batch.lengths.sum())


def trainings(
    experiment: Experiment, share: float, device: str
) -> Iterator[tuple[str, int, int, float]]:
    """Name, how many there are, steps of each, seconds a step."""
    makers = {"first": experiment.recogniser}
    makers |= {name: other.recogniser for name, other in experiment.architectures.items()}
    banks = len(experiment.models) + len(experiment.variants())
    for name, make in makers.items():
        kind = type(make()).__name__
        other = experiment.architectures.get(name)
        baseline = (other.baseline if other else None) or experiment.baseline
        robust = (other.robust if other else None) or experiment.robust
        took = recogniser_step(make(), baseline, share, device) / share
        steps = (baseline.max_steps + robust.max_steps) // 2
        yield f"{kind}, recogniser", len(experiment.trained), steps, took
        took = probe_step(make(), experiment, share, device) / share
        yield f"{kind}, probes of all layers", banks, experiment.probe.training.max_steps, took
        took = rendering(make(), experiment, share, device)
        times = banks * len(experiment.evaluation.conditions)
        yield f"{kind}, rendering, s of speech", times, int(TEST_S), took
    for name, verifier in experiment.trained_verifiers.items():
        took = verifier_step(verifier, share, device) / share
        yield f"verifier {name}", 1, verifier.max_steps, took


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = Path(__file__).parents[1] / "configs" / "experiments" / "paper.yaml"
    parser.add_argument("experiment", nargs="?", default=str(default))
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--share", type=float, default=1.0, help="share of a batch to measure")
    options = parser.parse_args()
    reader = experiment_parser()
    experiment = build(reader, reader.parse_args(["-c", options.experiment]))
    print(f"{options.device}, {load()}")
    total = 0.0
    for name, count, steps, took in trainings(experiment, options.share, options.device):
        hours = count * steps * took / 3600
        total += hours
        print(f"{name:<34} {count} x {steps:>6} steps of {took:8.4f} s = {hours:9.1f} h")
    print(f"{'together':<34} {total:>40.1f} h, one after the other")


if __name__ == "__main__":
    main()
