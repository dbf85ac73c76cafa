"""Speakers by sex, accent or thirds of a number: who is in, who is left out, what is refused."""

import numpy as np
import pytest

from acoustics.errors import UserError
from evaluation.sonification.by_speaker import sum_by_speaker
from evaluation.sonification.speaker_groups import group_speakers, sexes_of, speaker_thirds


def test_sexes_come_from_the_segments() -> None:
    groups = sexes_of(["b", "a", "b", "c", "d"], ["male", "female", "", "female", ""])
    assert groups.speakers == ("a", "b", "c") and groups.names == ("female", "male")
    assert groups.of_speaker.tolist() == [0, 1, 0] and groups.sizes.tolist() == [2, 1]
    assert groups.index(["d", "b", "x", "a"]).tolist() == [-1, 1, -1, 0] and groups.objection == ""
    assert groups.index([]).tolist() == []
    assert groups.bases(["d", "b", "x", "a", "b"]).tolist() == [1 / 3, 2 / 3]
    assert np.isnan(groups.bases(["x"])).all()


def test_a_speaker_of_two_sexes_is_refused() -> None:
    with pytest.raises(UserError, match="speaker 'a' is male in some segments and female in"):
        sexes_of(["a", "a"], ["male", "female"])


def test_one_value_only_is_named() -> None:
    assert (
        "every speaker whose sex is known is female"
        in sexes_of(["a", "b"], ["female"] * 2).objection
    )
    assert sexes_of([], []).objection == "sex of no speaker is known"


def test_thirds_are_by_rank_and_never_part_equals() -> None:
    pitch = {"a": 90.0, "b": 100.0, "c": 110.0, "d": 200.0, "e": 210.0, "f": 220.0, "g": np.nan}
    groups = speaker_thirds("pitch", pitch)
    assert groups.names == ("low", "middle", "high") and groups.speakers == tuple("abcdef")
    assert groups.of_speaker.tolist() == [0, 0, 1, 1, 2, 2]
    level = speaker_thirds("rate", dict.fromkeys("abcd", 3.0))
    assert level.names == ("middle",) and "nothing to compare" in level.objection


def test_thirds_within_a_sex_know_nothing_of_the_sex() -> None:
    pitch = {"a": 90.0, "b": 100.0, "c": 110.0, "d": 200.0, "e": 210.0, "f": 220.0, "x": 150.0}
    sexes = group_speakers("sex", dict.fromkeys("abc", "male") | dict.fromkeys("def", "female"))
    groups = speaker_thirds("pitch", pitch, within=sexes)
    assert groups.of_speaker.tolist() == [0, 1, 2, 0, 1, 2]  # x, of no known sex, is left out


def test_sums_by_speaker_are_those_of_a_loop() -> None:
    generator = np.random.default_rng(0)
    ids = generator.integers(-1, 30, (7, 5))
    speaker, values = generator.integers(-1, 4, 30), generator.normal(size=30)
    counts, sums = np.zeros((7, 4)), np.zeros((7, 4))
    for feature, row in enumerate(ids):
        for segment in row[row >= 0]:
            if speaker[segment] >= 0:
                counts[feature, speaker[segment]] += 1
                sums[feature, speaker[segment]] += values[segment]
    assert (sum_by_speaker(ids, speaker, 4) == counts).all()
    assert sum_by_speaker(ids, speaker, 4, values) == pytest.approx(sums)
    assert sum_by_speaker(np.full((2, 3), -1), speaker, 4).tolist() == [[0.0] * 4] * 2
    with pytest.raises(ValueError, match="segment 30 is beyond the 30"):
        sum_by_speaker(np.full((1, 1), 30), speaker, 4)


def test_some_of_the_speakers_keep_their_groups() -> None:
    groups = group_speakers("accent", {"a": "north", "b": "south", "c": "west", "d": "north"})
    some = groups.among({"a", "c", "d", "nobody"})
    assert (some.speakers, some.names) == (("a", "c", "d"), ("north", "west"))
    assert some.of_speaker.tolist() == [0, 1, 0] and some.sizes.tolist() == [2, 1]
    assert (
        group_speakers("sex", {"a": "male"}).among(set()).objection == "sex of no speaker is known"
    )
