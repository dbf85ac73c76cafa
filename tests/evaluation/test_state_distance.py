"""How far noise moves states: by hand, against brute force, whatever the scale and the batches."""

import math
import pickle

import numpy as np
import pytest
import torch

from asr_models.tap import States
from evaluation.state_distance import StateDistances, frame_distances
from evaluation.state_tap import StateTap

SPEAKERS = ["a", "a", "b", "a", "c", "c", "c", "b"]


def states(*utterances: list[list[float]]) -> dict[str, States]:
    """One layer `x`; what lies beyond an utterance is 99, and must not matter."""
    lengths = [len(utterance) for utterance in utterances]
    values = torch.full((len(utterances), max(lengths), len(utterances[0][0])), 99.0)
    for row, utterance in zip(values, utterances, strict=True):
        row[: len(utterance)] = torch.tensor(utterance)
    return {"x": States(values, torch.tensor(lengths))}


def random_versions(seed: int = 0, scale: float = 1.0) -> list[tuple[np.ndarray, np.ndarray]]:
    """Clean and noisy states `(state, width)` of eight utterances."""
    rng = np.random.default_rng(seed)
    found = []
    for length in (3, 4, 4, 6, 7, 9, 9, 12):
        clean = rng.normal(size=(length, 5)) + rng.normal(size=5)
        found.append((scale * clean, scale * (clean + 0.3 * rng.normal(size=(length, 5)))))
    return found


def ratios_of(
    versions: list[tuple[np.ndarray, np.ndarray]], batches: list[range], speakers: list[str]
) -> list[float | None]:
    distances = StateDistances()
    for rows in batches:
        clean = states(*(versions[i][0].tolist() for i in rows))
        noisy = states(*(versions[i][1].tolist() for i in rows))
        distances.add([f"u{i}" for i in rows], [speakers[i] for i in rows], noisy, clean)
    found = distances.ratios()["x"]
    return [found[f"u{i}"].value for i in range(len(versions))]


def test_by_hand() -> None:
    """Noise moves the first utterance by 5 and 0; the two are 10 apart in the frame they share."""
    distances = StateDistances()
    clean = states([[0.0, 0.0], [0.0, 0.0]], [[6.0, 8.0]])
    noisy = states([[3.0, 4.0], [0.0, 0.0]], [[6.0, 8.0]])
    distances.add(["u0", "u1"], ["a", "b"], noisy, clean)
    found = distances.ratios()["x"]
    assert found["u0"].value == pytest.approx(0.25)
    assert found["u1"].value == 0.0


def test_equal_to_brute_force() -> None:
    """Each utterance against the last one before it that another speaker said."""
    versions = random_versions()
    moved = [np.mean([math.dist(a, b) for a, b in zip(*v, strict=True)]) for v in versions]
    pairs = [(2, 1), (3, 2), (4, 3), (5, 3), (6, 3), (7, 6)]
    between = [
        np.mean([math.dist(a, b) for a, b in zip(versions[i][0], versions[j][0], strict=False)])
        for i, j in pairs
    ]
    expected = np.array(moved) / np.mean(between)
    assert ratios_of(versions, [range(8)], SPEAKERS) == pytest.approx(expected, rel=1e-5)


def test_batches_do_not_matter() -> None:
    versions = random_versions(1)
    together = ratios_of(versions, [range(8)], SPEAKERS)
    for batches in ([range(i, i + 1) for i in range(8)], [range(3), range(3, 7), range(7, 8)]):
        assert ratios_of(versions, batches, SPEAKERS) == pytest.approx(together, rel=1e-5)


@pytest.mark.parametrize("scale", [1e-3, 1e4])
def test_the_scale_of_a_layer_cancels(scale: float) -> None:
    plain = ratios_of(random_versions(2), [range(8)], SPEAKERS)
    scaled = ratios_of(random_versions(2, scale), [range(8)], SPEAKERS)
    assert scaled == pytest.approx(plain, rel=1e-5)


def test_another_utterance_in_place_of_noise_is_one_away() -> None:
    """When every noisy version is some other speaker's utterance, the mean ratio is about 1."""
    rng = np.random.default_rng(3)
    clean = [rng.normal(size=(40, 6)) for _ in range(60)]
    versions = [(clean[i], clean[i - 1]) for i in range(60)]
    found = ratios_of(versions, [range(60)], ["a", "b"] * 30)
    assert np.mean(found) == pytest.approx(1.0, abs=0.02)


def test_memory_holds_two_utterances() -> None:
    """Fifty more utterances of 40 kB each add next to nothing: a number each."""
    distances, sizes = StateDistances(), []
    for number in range(100):
        clean = {"x": States(torch.randn(1, 100, 100), torch.tensor([100]))}
        distances.add([f"u{number}"], ["ab"[number % 2]], clean, clean)
        sizes.append(len(pickle.dumps(distances)))
    assert sizes[-1] - sizes[49] < 50 * 40
    assert sizes[-1] < 3 * 100 * 100 * 4


def test_what_has_no_ratio_says_why() -> None:
    one_speaker, dead, broken = StateDistances(), StateDistances(), StateDistances()
    moved, still = states([[1.0]], [[3.0]]), states([[2.0]], [[2.0]])
    one_speaker.add(["u0", "u1"], ["a", "a"], moved, moved)
    dead.add(["u0", "u1"], ["a", "b"], moved, still)
    broken.add(["u0", "u1"], ["a", "b"], states([[math.nan]], [[3.0]]), moved)
    assert "no two utterances of different speakers" in one_speaker.ratios()["x"]["u0"].failure
    assert "the same for all utterances" in dead.ratios()["x"]["u0"].failure
    found = broken.ratios()["x"]
    assert found["u0"] == (None, "state_distance is not finite") and found["u1"].value == 0.0


@pytest.mark.parametrize("wrong", [math.nan, math.inf])
def test_one_broken_clean_utterance_costs_only_itself(wrong: float) -> None:
    """u1 is broken; of the pairs (u1, u0), (u2, u1) and (u3, u2) the last one, 2 apart, counts."""
    clean = states([[1.0]], [[wrong]], [[3.0]], [[5.0]])
    noisy = states([[2.0]], [[4.0]], [[4.0]], [[6.0]])
    distances = StateDistances()
    distances.add(["u0", "u1", "u2", "u3"], ["a", "b", "a", "b"], noisy, clean)
    found = distances.ratios()["x"]
    assert found["u1"] == (None, "state_distance is not finite")
    assert [found[name].value for name in ("u0", "u2", "u3")] == [0.5, 0.5, 0.5]


def test_a_tapped_utterance_has_the_same_distance_alone(tiny_recogniser, make_batch) -> None:
    batch = make_batch([9000, 6000, 8000])
    noise = 0.05 * torch.randn(batch.waveform.shape, generator=torch.Generator().manual_seed(0))
    batch.waveform = batch.waveform + noise * (batch.waveform != 0)
    tap = StateTap(tiny_recogniser(), ["*"], references=True)
    noisy, clean = tap.both(batch)
    assert list(noisy) == tap.names and tap.names[0] == "natural"
    for i, length in enumerate(batch.lengths.tolist()):
        alone = batch.select([i])
        alone.waveform, alone.clean = alone.waveform[:, :length], alone.clean[:, :length]
        one_noisy, one_clean = tap.both(alone)
        for layer in tap.names:
            states = noisy[layer], clean[layer], noisy[layer].lengths
            whole = frame_distances(states[0].values, states[1].values, states[2])[i]
            single = frame_distances(
                one_noisy[layer].values, one_clean[layer].values, one_noisy[layer].lengths
            )
            assert float(single) == pytest.approx(float(whole), rel=1e-3), layer
