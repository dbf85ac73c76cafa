"""Alignments against their audio: every flaw is named and counted, and nothing is lost."""

from pathlib import Path

import numpy as np
import pytest
from lhotse import CutSet, MonoCut, SupervisionSegment
from lhotse.supervision import AlignmentItem

from corpora.embedded import EmbeddedCorpus, recording_of
from corpora.librispeech import LibriSpeechCorpus
from corpora.tiers import CUT, KEPT, LEFT_OUT, UNKNOWN, alignment_remarks, check_tiers, time_flaws

WITHOUT, NEGATIVE, EMPTY, OUTSIDE, NAMELESS = LEFT_OUT
DISORDER, OVERLAP = KEPT
Item = AlignmentItem


def cut_with(name: str = "u", **tiers: list[AlignmentItem]) -> MonoCut:
    """One second of speech."""
    segment = SupervisionSegment(name, name, 0.0, 1.0, alignment=tiers or None)
    recording = recording_of(name, Path("u.wav"), 16000)
    return MonoCut(name, 0.0, 1.0, channel=0, supervisions=[segment], recording=recording)


def test_good_tiers_come_back_as_they_are() -> None:
    items = [Item("a", 0.0, 0.25), Item("b", 0.25, 0.25), Item("c", 0.6, 0.4005)]
    checked = check_tiers(cut_with(word=items[:1], phone=items), phones={"a", "b", "c"})
    assert checked.tiers["word"] == items[:1] and checked.tiers["phone"][:2] == items[:2]
    assert checked.tiers["phone"][2] == Item("c", 0.6, 0.4)  # half a millisecond is no flaw
    assert checked.flaws == [] == checked.remarks()
    assert check_tiers(cut_with()).tiers == {}
    assert check_tiers(cut_with(phone=[])).tiers == {"phone": []}


@pytest.mark.parametrize(
    ("item", "kind", "kept"),
    [
        (Item("x", float("nan"), 0.1), WITHOUT, None),
        (Item("x", 0.5, float("inf")), WITHOUT, None),
        (Item("x", 0.5, -0.1), NEGATIVE, None),
        (Item("x", 0.5, 0.0), EMPTY, None),
        (Item("x", 1.0, 0.2), OUTSIDE, None),
        (Item("x", -0.3, 0.2), OUTSIDE, None),
        (Item("x", 0.75, 0.5), CUT, Item("x", 0.75, 0.25)),
        (Item("x", -0.25, 0.5), CUT, Item("x", 0.0, 0.25)),
        (Item("x", 0.25, 0.1), DISORDER, Item("x", 0.25, 0.1)),
        (Item("x", 0.45, 0.2), OVERLAP, Item("x", 0.45, 0.2)),
        (Item("x", 0.5, 1 / 16000), "", Item("x", 0.5, 1 / 16000)),
        (Item("x", 0.99999, 0.1), OUTSIDE, None),  # no sample of it is left
        (Item(" ", 0.5, 0.1), NAMELESS, None),
        (Item("", 0.5, -0.1), NEGATIVE, None),
    ],
)
def test_every_flaw(item: AlignmentItem, kind: str, kept: AlignmentItem | None) -> None:
    before = Item("b", 0.375, 0.125)
    checked = check_tiers(cut_with(phone=[before, item]))
    assert [(flaw.tier, flaw.kind) for flaw in checked.flaws] == [("phone", kind)] * bool(kind)
    others = [i for i in checked.tiers["phone"] if i != before]
    assert others == ([kept] if kept is not None else [])
    assert checked.items == {"phone": 2}


def test_a_tier_without_items_and_an_utterance_without_supervision() -> None:
    assert check_tiers(cut_with(phone=[])).remarks() == ["phone alignment is empty"]
    nothing = cut_with()
    nothing.supervisions = []
    assert check_tiers(nothing).tiers == {}
    nameless = check_tiers(cut_with(phone=[Item("", 0.0, 0.5)]), phones={"a"})
    assert [flaw.kind for flaw in nameless.flaws] == [NAMELESS]  # and not unknown as well


def test_a_left_out_item_does_not_count_against_later_ones() -> None:
    items = [Item("x", 5.0, 1.0), Item("y", 0.9, -0.5), Item("a", 0.1, 0.2)]
    assert time_flaws(items, 1.0) == [OUTSIDE, NEGATIVE, ""]


def test_unknown_labels_are_kept_whatever_their_times() -> None:
    items = [Item("a", 0.0, 0.5), Item("?", 0.5, 0.1), Item("?", 0.4, 0.1)]
    checked = check_tiers(cut_with(phone=items, word=[Item("?", 0.0, 0.5)]), phones={"a"})
    assert [flaw.kind for flaw in checked.flaws] == [UNKNOWN, DISORDER, UNKNOWN]
    assert checked.tiers["phone"] == [items[0], items[2], items[1]]  # in order of time now
    assert checked.remarks() == [
        "phone alignment: 2 of 3 outside the known set (first '?' at 0.50 s), kept",
        "phone alignment: 1 of 3 out of order (first '?' at 0.40 s), kept",
    ]


def test_against_a_loop_over_random_items() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        grid = rng.integers(-2, 12, (8, 2)) / 8  # exact in binary
        items = [Item("x", begin, length - 0.125) for begin, length in grid.tolist()]
        begin, end, expected = -np.inf, -np.inf, []
        for item in items:
            stop = item.start + item.duration
            if item.duration <= 0:
                expected.append(NEGATIVE if item.duration < 0 else EMPTY)
            elif item.start >= 1 or stop <= 0:
                expected.append(OUTSIDE)
            else:
                beyond, early, inside = (
                    item.start < 0 or stop > 1,
                    item.start < begin,
                    item.start < end,
                )
                expected.append(CUT if beyond else DISORDER if early else OVERLAP if inside else "")
                begin, end = max(begin, item.start), max(end, stop)
        assert time_flaws(items, 1.0) == expected
        checked = check_tiers(cut_with(phone=items))
        kept = checked.tiers["phone"]
        lost = [flaw for flaw in checked.flaws if flaw.kind in LEFT_OUT]
        assert len(kept) + len(lost) == 8
        assert all(0 <= i.start < i.start + i.duration <= 1 for i in kept)
        assert [i.start for i in kept] == sorted(i.start for i in kept)


def test_only_a_tier_that_others_have_is_missed() -> None:
    word, phone = [Item("a", 0.0, 0.5)], [Item("b", 0.0, 0.5)]
    cuts = [cut_with("u1", word=word, phone=phone), cut_with("u2", word=word), cut_with("u3")]
    assert alignment_remarks(cuts) == [
        ("u2", "has no phone alignment"),
        ("u3", "has no word alignment"),
        ("u3", "has no phone alignment"),
    ]
    assert alignment_remarks(cuts[2:]) == []


def test_embedded_speech_has_no_flaw(corpus: EmbeddedCorpus) -> None:
    cuts = [cut for split in ("train", "dev", "test") for cut in corpus.load(split)]
    assert alignment_remarks(cuts) == []


def test_flawed_alignments_survive_a_crop_and_a_manifest(tmp_path: Path) -> None:
    items = [Item("x", 0.5, -0.1), Item("y", 0.9, 0.5), Item("z", 3.0, 0.5)]
    CutSet.from_cuts([cut_with(phone=items)]).to_file(tmp_path / "cuts.jsonl.gz")
    (cut,) = CutSet.from_file(tmp_path / "cuts.jsonl.gz")
    assert cut.supervisions[0].alignment["phone"] == items
    assert cut.truncate(offset=0.25, duration=0.5).duration == 0.5


def test_real_alignments_have_no_flaw(real_speech: Path, cache: str) -> None:
    grids = str(real_speech / "LibriSpeech-alignments")
    settings = {"alignments": grids, "cache": cache}
    corpus = LibriSpeechCorpus(
        str(real_speech), ["train-clean-100"], [], ["test-other"], **settings
    )
    checked = [check_tiers(cut) for cut in corpus.load("train")]
    aligned = [one for one in checked if one.tiers]
    assert (len(checked), len(aligned)) == (420, 240)
    assert [one.flaws for one in aligned] == [[]] * 240
    assert sum(one.items["word"] for one in aligned) == 7845
    assert sum(one.items["phone"] for one in aligned) == 29635
