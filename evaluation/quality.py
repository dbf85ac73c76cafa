"""PESQ and STOI of one pair of signals, guarded: a score is a value or a reason, never a code.

Imports numpy, pesq and pystoi only, so that worker processes start without torch.
"""

import warnings
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from pesq import NoUtterancesError, PesqError, pesq

STOI_RATE = 10000
QUALITY_METRICS = ("pesq_wb", "pesq_nb", "stoi", "estoi")
PESQ_MIN_DURATION_S = 0.25
PESQ_RANGE = (0.999, 4.65)  # MOS-LQO of P.862.1 and P.862.2
SILENCE_PEAK = 1.0  # in steps of 16-bit audio: what is no louder is rounding noise


class Score(NamedTuple):
    """A finite `value` with an empty `failure`, or no value and the reason why."""

    value: float | None
    failure: str = ""


class _UnscorableError(Exception):
    """The reason why a metric has no value for a pair."""


def score_quality(
    reference: np.ndarray, degraded: np.ndarray, sample_rate: int, metrics: Sequence[str]
) -> dict[str, Score]:
    """Scores `degraded` against `reference`, each at its true length.

    PESQ counts the stretches of speech of the reference without a bound: above 50 it writes past
    its tables and, from about 55, ends the process with signal 11. Run it in a `GuardedPool`.

    Args:
        reference: clean speech, 16-bit integers or floats in [-1, 1], shape (sample,).
        degraded: the signal to judge, same length.
        sample_rate: in Hz; PESQ knows 8000 (narrow band only) and 16000.
        metrics: any of `QUALITY_METRICS`.

    Returns:
        For each metric its score. PESQ is MOS-LQO (P.862.1 narrow band, P.862.2 wide band).

    Raises:
        ValueError: for a metric that does not exist.
    """
    unknown = [metric for metric in metrics if metric not in QUALITY_METRICS]
    if unknown:
        raise ValueError(f"unknown metric {unknown[0]!r}; known are {', '.join(QUALITY_METRICS)}")
    try:
        pair = _checked_pair(reference, degraded)
    except _UnscorableError as reason:
        return {metric: Score(None, str(reason)) for metric in metrics}
    slow = _at_stoi_rate(*pair, sample_rate) if {"stoi", "estoi"} & set(metrics) else pair
    return {
        metric: _score(metric, *pair, sample_rate)
        if metric.startswith("pesq")
        else _score(metric, *slow, STOI_RATE)
        for metric in metrics
    }


def _checked_pair(reference: np.ndarray, degraded: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both signals as float64 in steps of 16-bit audio, or the reason why they are no pair."""
    if reference.ndim != 1 or degraded.ndim != 1:
        raise _UnscorableError(f"not one channel: shapes {reference.shape} and {degraded.shape}")
    if len(reference) != len(degraded):
        raise _UnscorableError(f"lengths differ: {len(reference)} and {len(degraded)} samples")
    for name, signal in (("reference", reference), ("degraded signal", degraded)):
        if len(signal) == 0:
            raise _UnscorableError(f"{name} is empty")
        if not np.isfinite(signal).all():
            raise _UnscorableError(f"{name} is not finite")
    pair = _in_steps(reference), _in_steps(degraded)
    for name, signal in zip(("reference", "degraded signal"), pair, strict=True):
        if np.abs(signal - signal.mean()).max() <= SILENCE_PEAK:
            raise _UnscorableError(f"{name} is silent")
    return pair


def _at_stoi_rate(
    reference: np.ndarray, degraded: np.ndarray, sample_rate: int
) -> tuple[np.ndarray, np.ndarray]:
    """Both signals as pystoi would resample them itself, once for each of its two metrics."""
    if sample_rate == STOI_RATE:
        return reference, degraded
    from pystoi.utils import resample_oct  # here, for scipy.signal takes a second to import

    return tuple(resample_oct(x, STOI_RATE, sample_rate) for x in (reference, degraded))


def _in_steps(signal: np.ndarray) -> np.ndarray:
    scale = 1.0 if np.issubdtype(signal.dtype, np.integer) else 32768.0
    return signal.astype(np.float64) * scale


def _score(metric: str, reference: np.ndarray, degraded: np.ndarray, sample_rate: int) -> Score:
    try:
        if metric.startswith("pesq"):
            value = _pesq(reference, degraded, sample_rate, metric.removeprefix("pesq_"))
        else:
            value = _stoi(reference, degraded, sample_rate, extended=metric == "estoi")
    except _UnscorableError as reason:
        return Score(None, str(reason))
    except Exception as error:  # the libraries raise what they like; the run goes on
        return Score(None, f"{metric}: {type(error).__name__}: {error}")
    if not np.isfinite(value):
        return Score(None, f"{metric}: the score is not finite")
    return Score(float(value))


def _pesq(reference: np.ndarray, degraded: np.ndarray, sample_rate: int, band: str) -> float:
    if sample_rate != 16000 and (sample_rate != 8000 or band == "wb"):
        raise _UnscorableError(f"PESQ ({band}) is not defined at {sample_rate} Hz")
    if len(reference) < PESQ_MIN_DURATION_S * sample_rate:
        raise _UnscorableError(
            f"too short for PESQ: {len(reference) / sample_rate:.3f} s of 0.25 s"
        )
    try:
        value = float(pesq(sample_rate, reference, degraded, band))
    except NoUtterancesError:
        raise _UnscorableError("PESQ finds no speech in the reference") from None
    except PesqError as error:
        message = error.args[0] if error.args else ""
        text = message.decode() if isinstance(message, bytes) else str(message)
        raise _UnscorableError(f"PESQ: {text}") from None
    if not PESQ_RANGE[0] <= value <= PESQ_RANGE[1]:
        raise _UnscorableError(f"PESQ outside its scale: {value:g}")
    return value


def _stoi(reference: np.ndarray, degraded: np.ndarray, sample_rate: int, extended: bool) -> float:
    from pystoi import stoi

    # pystoi adds rounding noise from numpy's global generator to ESTOI, which decides the score
    # where the degraded signal has digital silence: seed it, and leave the generator as it was.
    state = np.random.get_state()
    np.random.seed(0)
    try:
        with warnings.catch_warnings():
            # pystoi warns and returns 1e-5 where fewer than 30 frames of speech are left
            warnings.filterwarnings("error", message="Not enough STFT frames")
            return float(stoi(reference, degraded, sample_rate, extended=extended))
    except RuntimeWarning:
        raise _UnscorableError(
            "too short for STOI: fewer than 30 frames (0.4 s) of speech"
        ) from None
    finally:
        np.random.set_state(state)
