"""Units of search: every segment by hand, and alignments with everything wrong that can be."""

import math

import numpy as np
import pytest
from lhotse.supervision import AlignmentItem

from acoustics.errors import UserError
from corpora.tiers import alignment_remarks
from corpora.timit_phones import PAUSES
from evaluation.sonification.complexity_findings import phones_inside
from evaluation.sonification.unit_names import NGRAMS, canonical_units, phones_in
from evaluation.sonification.units import build_units


def items(*spans: tuple[str, float, float]) -> list[AlignmentItem]:
    return [AlignmentItem(label, start, round(end - start, 8)) for label, start, end in spans]


def problems(units) -> dict[tuple[str, str], int]:
    return {(p.tier, p.problem): p.count for p in units.problems}


def test_half_second_windows_tile_an_utterance_and_a_short_one_is_its_own(toy) -> None:
    cuts = [toy.cut("a", 20000), toy.cut("b", 3200, "dan", "male"), toy.cut("c", 8000)]
    segments = build_units(cuts, ["segments"]).registries["segments"]
    assert segments.utterance.tolist() == ["a", "a", "b", "c"]
    assert segments.start_s.tolist() == [0.0, 0.5, 0.0, 0.0]
    assert segments.end_s.tolist() == [0.5, 1.0, 0.2, 0.5]
    assert segments.speaker.tolist() == ["ann", "ann", "dan", "ann"]
    assert segments.sex.tolist() == ["female", "female", "male", "female"]
    assert segments.label.tolist() == [""] * 4


def test_the_window_is_settable(toy) -> None:
    units = build_units([toy.cut("a", 20000)], ["segments"], segment_s=0.3)
    assert units.registries["segments"].end.tolist() == [4800, 9600, 14400, 19200]


def test_words_phones_and_utterances(toy) -> None:
    tiers = {
        "word": items(("the", 0.1, 0.2), ("sea", 0.2, 0.5)),
        "phone": items(("dh", 0.1, 0.15), ("ax", 0.15, 0.2), ("s", 0.2, 0.3), ("iy", 0.3, 0.5)),
    }
    cuts = [toy.cut("a", 16000, text="the sea", tiers=tiers)]
    made = build_units(cuts, ["utterances", "words", "phones"]).registries
    assert made["utterances"].label.tolist() == ["the sea"]
    assert (made["utterances"].start[0], made["utterances"].end[0]) == (0, 16000)
    assert made["words"].label.tolist() == ["the", "sea"]
    assert made["words"].start.tolist() == [1600, 3200]
    assert made["phones"].label.tolist() == ["dh", "ax", "s", "iy"]
    assert made["phones"].end.tolist() == [2400, 3200, 4800, 8000]


def test_ngrams_begin_at_every_phone_and_stay_in_their_utterance(toy) -> None:
    first = items(("a", 0.0, 0.1), ("b", 0.1, 0.2), ("c", 0.3, 0.4), ("d", 0.4, 0.5))
    second = items(("e", 0.0, 0.1), ("f", 0.1, 0.2))
    cuts = [
        toy.cut("x", 16000, tiers={"phone": first}),
        toy.cut("y", 9000, tiers={"phone": second}),
    ]
    units = build_units(cuts, ["phones1", "phones2", "phones3", "phones7"])
    made = units.registries
    assert list(made) == ["phones", "phones2", "phones3"]
    assert made["phones"].label.tolist() == list("abcdef")
    assert made["phones2"].label.tolist() == ["a b", "b c", "c d", "e f"]
    assert made["phones3"].label.tolist() == ["a b c", "b c d"]
    assert made["phones3"].start.tolist() == [0, 1600]
    assert made["phones3"].end.tolist() == [6400, 8000]  # a pause inside belongs to it
    assert made["phones3"].parts.shape == (2, 3)
    assert units.missing["phones7"] == "no utterance has that many phones: phones7"


def test_one_phone_has_one_name(toy) -> None:
    assert canonical_units(["words", "phones1", "phones3", "phones", "phones3"]) == [
        "words", "phones", "phones3",
    ]  # fmt: skip
    assert [phones_in(unit) for unit in ("phones", "phones1", "phones12")] == [1, 1, 12]
    assert [phones_in(unit) for unit in ("words", "segments", "phones0", "phones3s")] == [None] * 4
    units = build_units(toy.corpus(each=1).cuts, ["phones1", "segments", "phones"])
    assert list(units.registries) == ["phones", "segments"]
    assert units.registries["phones"] is units.tiers["phone"]
    assert "phones1" not in build_units([toy.cut("a", 16000)], ["phones1"]).missing


def test_pauses_are_no_phones_and_ngrams_reach_over_them(toy) -> None:
    phones = items(("h#", 0.0, 0.1), ("a", 0.1, 0.2), ("b", 0.2, 0.3), ("pau", 0.3, 0.5),
                   ("c", 0.5, 0.6), ("epi", 0.6, 0.8), ("d", 0.8, 0.9), ("h#", 0.9, 1))  # fmt: skip
    tiers = {"phone": phones, "word": items(("ab", 0.1, 0.3), ("pau", 0.5, 0.9))}
    cuts = [toy.cut("x", 16000, tiers=tiers)]
    units = build_units(
        cuts, ["words", "phones", "phones3"], known_phones=set("abcd"), pauses=set(PAUSES)
    )
    made = units.registries
    assert made["phones"].label.tolist() == list("abcd")
    assert made["phones3"].label.tolist() == ["a b c", "b c d"]
    assert made["phones3"].start.tolist() == [1600, 3200]
    assert made["words"].label.tolist() == ["ab", "pau"]  # a word may be called so
    assert phones_inside(made["words"], units.tiers["phone"]).tolist() == [2.0, 2.0]
    whole = build_units(cuts, ["words"])
    assert phones_inside(whole.registries["words"], whole.tiers["phone"]).tolist() == [2.0, 3.0]


def test_ids_follow_the_cuts_and_segments_are_found_by_utterance(toy) -> None:
    corpus = toy.corpus()
    for unit, registry in build_units(
        corpus.cuts, ["segments", "words", *NGRAMS]
    ).registries.items():
        assert (np.diff(registry.owner) >= 0).all(), unit
        ids, row = registry.of(np.array([7, 0, 7]))
        assert registry.utterance[ids].tolist() == [corpus.cuts[(7, 0, 7)[r]].id for r in row]
        assert len(ids) == sum((registry.owner == i).sum() for i in (7, 0, 7))


def test_ngrams_are_those_of_a_loop(toy) -> None:
    corpus = toy.corpus()
    made = build_units(corpus.cuts, NGRAMS).registries
    for unit, size in zip(NGRAMS, (1, 3, 5, 7, 9), strict=True):
        expected = []
        for cut in corpus.cuts:
            phones = cut.supervisions[0].alignment["phone"]
            expected += [" ".join(p.symbol for p in phones[i : i + size])
                         for i in range(len(phones) - size + 1)]  # fmt: skip
        assert made[unit].label.tolist() == expected


def test_what_is_wrong_with_an_alignment_is_counted_and_costs_itself_only(toy) -> None:
    wrong = items(
        ("c", 0.5, 0.6), ("a", 0.0, 0.2), ("b", 0.2, 0.5), ("d", 0.9, 1.3), ("e", 1.1, 1.2)
    )
    wrong += items(("f", 0.7, 0.7), ("", 0.6, 0.7), ("g", 0.7, 0.8))
    wrong.append(AlignmentItem("h", math.nan, 0.1))
    fine = items(("z", 0.0, 1.0))
    cuts = [toy.cut("x", 16000, tiers={"phone": wrong, "word": []}),
            toy.cut("y", 16000, tiers={"phone": fine, "word": fine}),
            toy.cut("z", 16000, tiers={"phone": fine})]  # fmt: skip
    units = build_units(cuts, ["phones"], known_phones=set("abcdefhz"))
    phones = units.registries["phones"]
    assert phones.label.tolist() == ["a", "b", "c", "g", "d", "z", "z"]
    assert phones.end.tolist()[:5] == [3200, 8000, 9600, 12800, 16000]
    assert problems(units) == {
        ("word", "alignment is empty"): 1,
        ("word", "has no word alignment"): 1,
        ("phone", "out of order, kept"): 3,  # "a", "b" and "g" begin before "c" or "d"
        ("phone", "reaching beyond the audio, cut"): 1,
        ("phone", "outside the audio, left out"): 1,
        ("phone", "shorter than a sample, left out"): 1,
        ("phone", "without a label, left out"): 1,
        ("phone", "without finite times, left out"): 1,
        ("phone", "'g' outside the known set, kept"): 1,
    }
    said = {line for _, line in alignment_remarks(cuts, set("abcdefhz"))}  # the corpus says so too
    assert len(said) == len(problems(units))
    for tier, problem in problems(units):
        kind = problem.rpartition(", ")[0].removeprefix("'g' ") or problem
        assert any(tier in line and kind in line for line in said), problem
    assert {p.utterance for p in units.problems} == {"x", "z"}


def test_an_item_has_a_sample_at_least_and_all_lie_in_the_audio(toy) -> None:
    """Times in fractions of a sample, around both ends."""
    rng = np.random.default_rng(0)
    for _ in range(50):
        begin = np.concatenate([rng.uniform(-3, 3, 20), rng.uniform(997, 1003, 20)]) / 16000
        spans = [AlignmentItem("a", at, rng.uniform(0, 3e-4)) for at in begin]
        units = build_units([toy.cut("a", 1000, tiers={"phone": spans})], ["phones"])
        phones = units.registries["phones"]
        left_out = sum(p.count for p in units.problems if p.problem.endswith("left out"))
        assert 0 < len(phones) == 40 - left_out
        assert (phones.start >= 0).all() and (phones.end <= 1000).all()
        assert (phones.end > phones.start).all() and (np.diff(phones.start) >= 0).all()


def test_without_alignments_segments_work_and_words_and_phones_say_what_is_missing(toy) -> None:
    units = build_units([toy.cut("a", 16000)], ["segments", "utterances", "words", "phones3"])
    assert sorted(units.registries) == ["segments", "utterances"]
    assert units.missing == {
        "words": "no utterance has an alignment of its words",
        "phones": "no utterance has an alignment of its phones",
        "phones3": "no utterance has an alignment of its phones",
    }
    assert units.problems == []


def test_no_utterance_at_all() -> None:
    assert build_units([], ["segments"]).missing["segments"] == "there are no utterances"


def test_a_speaker_without_a_name_is_nobody_elses(toy) -> None:
    cuts = [toy.cut("a", 16000, None), toy.cut("b", 16000, "ann"), toy.cut("c", 16000, None),
            toy.cut("d", 16000, "ann")]  # fmt: skip
    assert build_units(cuts, ["segments"]).utterances.speaker_index.tolist() == [0, 1, 2, 1]


@pytest.mark.parametrize(
    ("units", "segment_s", "message"),
    [
        (["syllables"], 0.5, "unit of search 'syllables' is unknown"),
        (["phones0"], 0.5, "unit of search 'phones0' is unknown"),
        (["segments"], 0.0, "segment_s is 0.0"),
    ],
)
def test_what_cannot_be_searched(toy, units, segment_s, message) -> None:
    with pytest.raises(UserError, match=message):
        build_units([toy.cut("a", 16000)], units, segment_s)


def test_an_id_means_one_utterance(toy) -> None:
    with pytest.raises(UserError, match="two utterances are called 'a'"):
        build_units([toy.cut("a", 16000), toy.cut("a", 16000)])
