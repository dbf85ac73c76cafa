"""PESQ and STOI through the guarded pool on two workers, against a serial loop in the same run.

    python benchmarks/metrics_pool.py

Bar: 1.7 times, on idle cores: where the CPU times are equal and the ratio is low, others use the
cores. Transport of the audio is counted; imports (numpy, scipy, pesq) are in neither time, and the
pool's start, which pays for them once per worker and run, is printed beside.
"""

import argparse
import os
import time

import numpy as np

from evaluation.quality import QUALITY_METRICS, Score, score_quality
from evaluation.workers import GuardedPool, Outcome

SAMPLE_RATE = 16000


def speech_like(duration_s: float, seed: int) -> np.ndarray:
    """Noise that comes and goes four times a second, 16-bit, shape (sample,)."""
    generator = np.random.default_rng(seed)
    time_s = np.arange(int(duration_s * SAMPLE_RATE)) / SAMPLE_RATE
    envelope = np.clip(np.sin(2 * np.pi * 4 * time_s), 0, None)
    noise = np.convolve(generator.standard_normal(len(time_s)), np.ones(8) / 8, mode="same")
    return (6000 * envelope * noise).astype(np.int16)


def degraded(reference: np.ndarray, seed: int) -> np.ndarray:
    """Noisy copies of the references."""
    noise = np.random.default_rng(seed).normal(0, 200, len(reference))
    return (reference + noise).astype(np.int16)


def main() -> None:
    """Measure and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=100)
    parser.add_argument("--duration-s", type=float, default=2.5)
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    clean = [speech_like(args.duration_s, seed) for seed in range(args.pairs)]
    pairs = [(signal, degraded(signal, 1000 + seed)) for seed, signal in enumerate(clean)]

    start, start_cpu = time.perf_counter(), time.process_time()
    expected = [score_quality(*pair, SAMPLE_RATE, QUALITY_METRICS) for pair in pairs]
    serial_s, serial_cpu_s = time.perf_counter() - start, time.process_time() - start_cpu

    scores: dict[object, dict[str, Score]] = {}

    def keep(outcome: Outcome) -> None:
        assert not outcome.failure, outcome.failure
        scores[outcome.key] = outcome.value

    begin = time.perf_counter()
    with GuardedPool(keep, n_workers=args.workers) as pool:
        for worker in range(args.workers):
            pool.submit(f"start {worker}", score_quality, *pairs[0], SAMPLE_RATE, QUALITY_METRICS)
        pool.finish()
        start = time.perf_counter()
        for key, pair in enumerate(pairs):
            pool.submit(key, score_quality, *pair, SAMPLE_RATE, QUALITY_METRICS)
        pool.finish()
        pool_s = time.perf_counter() - start
    pool_cpu_s = sum(os.times()[2:4])  # of the workers, which have ended

    assert [scores[key] for key in range(len(pairs))] == expected
    load = os.getloadavg()[0]
    print(
        f"{args.pairs} pairs of {args.duration_s} s, {len(QUALITY_METRICS)} metrics, "
        f"{os.cpu_count()} cores, load {load:.1f}"
    )
    print(
        f"serial {serial_s:.2f} s, pool of {args.workers} {pool_s:.2f} s "
        f"and {start - begin:.2f} s to start"
    )
    print(f"CPU time: serial {serial_cpu_s:.2f} s, workers {pool_cpu_s:.2f} s, start included")
    print(f"ratio {serial_s / pool_s:.2f} (bar 1.7)")


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
