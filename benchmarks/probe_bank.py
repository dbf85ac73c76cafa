"""`ProbeBank` over all layers against one run per layer, for the same steps on the same batches.

    python benchmarks/probe_bank.py [mini|paper ...]

With F the one pass through recogniser and target, P a probe's step on its own and L layers, the
parts allow L (F + P) / (F + L P). Bar: 0.9 of that. F and P are measured in the same run.
"""

import argparse
from collections.abc import Callable

import torch
from fair import fastest, load, speech

from asr_models.vgg_lstm import VGGLSTM
from corpora.batch import SpeechBatch
from probes.bank import ProbeBank
from probes.targets import flatten_target, masked_l1

SIZES = {  # channels, hidden, seconds of speech in a batch
    "mini": ((16, 16, 32, 32), 96, 9.0),
    "paper": ((64, 64, 128, 128), 320, 6.0),
}


def stepper(bank: ProbeBank) -> Callable[[torch.Tensor], None]:
    """An optimiser step on a loss, as the Trainer would make it."""
    optimizer = torch.optim.AdamW(bank.probes.parameters(), lr=1e-3, fused=True)

    def step(loss: torch.Tensor) -> None:
        optimizer.zero_grad()
        loss.backward()
        bank.configure_gradient_clipping(optimizer)
        optimizer.step()

    return step


def training(bank: ProbeBank, batches: list[SpeechBatch]) -> Callable[[], None]:
    """Whole steps: recogniser, target, probes."""
    step = stepper(bank)

    def run() -> None:
        for batch in batches:
            step(torch.stack(list(bank.losses(batch).values())).sum())

    return run


def probe_alone(bank: ProbeBank, batches: list[SpeechBatch]) -> Callable[[], None]:
    """Steps of the one probe of `bank` on states that are there already."""
    step, (name,) = stepper(bank), bank.tap.names
    probe, ready = bank.probe(name), []
    for batch in batches:
        mel, frames = bank.target(batch)
        states = bank.hear(batch).states[name]
        ready.append((states.values, flatten_target(mel, frames, states.lengths, probe.rate)))

    def run() -> None:
        for values, target in ready:
            step(masked_l1(probe(values[target.states]), target))

    return run


def measure(size: str, repeats: int, steps: int) -> None:
    """Seconds of a pass, of a probe step, of the bank and of banks of one."""
    channels, hidden, duration_s = SIZES[size]
    torch.manual_seed(0)
    recogniser = VGGLSTM(channels, hidden).freeze()
    batches = speech(duration_s, steps)
    bank = ProbeBank(recogniser)
    names = bank.tap.names
    single = {name: ProbeBank(recogniser, layers=[name]) for name in names}

    def passes() -> None:
        for batch in batches:
            bank.hear(batch)
            bank.target(batch)

    sides = {"bank": training(bank, batches), "F": passes}
    sides |= {f"run {name}": training(one, batches) for name, one in single.items()}
    sides |= {f"P {name}": probe_alone(one, batches) for name, one in single.items()}
    fastest(sides, 1)  # warm up
    seconds = {name: value / steps for name, value in fastest(sides, repeats).items()}
    count = len(names)
    apart = sum(seconds[f"run {name}"] for name in names)
    probe_s = sum(seconds[f"P {name}"] for name in names) / count
    allowed = count * (seconds["F"] + probe_s) / (seconds["F"] + count * probe_s)
    ratio = apart / seconds["bank"]
    print(
        f"{size}: L {count}, F {seconds['F']:.3f} s, P {probe_s:.3f} s, bank {seconds['bank']:.3f} "
        f"s, runs of one {apart:.3f} s a step: ratio {ratio:.2f} of {allowed:.2f} allowed = "
        f"{ratio / allowed:.2f} (bar 0.9)"
    )


def main() -> None:
    """Measure and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sizes", nargs="*", default=list(SIZES), metavar="mini|paper")
    parser.add_argument("--repeats", type=int, default=4)
    parser.add_argument("--steps", type=int, default=2)
    args = parser.parse_args()
    print(load())
    for size in args.sizes:
        measure(size, args.repeats, args.steps)


if __name__ == "__main__":
    main()
