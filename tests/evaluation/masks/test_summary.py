"""Masks summed up, by hand; who says what, by cuts made here."""

import pytest
from lhotse import MonoCut, SupervisionSegment
from lhotse.supervision import AlignmentItem

from acoustics.errors import UserError
from evaluation.masks.mask_settings import MaskSettings
from evaluation.masks.rows import MaskRow
from evaluation.masks.span_choice import choose_cuts
from evaluation.masks.summary import summary_rows

NO_PAUSES = frozenset({"sil"})


def row(utterance: str, mask: str, frames: float, same: bool, speaker: str = "") -> MaskRow:
    said = ("a", "a" if same else "b", same)
    place = ("m", utterance, speaker, "utterance", "", mask)
    return MaskRow(*place, 1.0, 100, 0.25, 10, frames, *said, None, None, "")


def test_shares_and_leads_are_means_and_paired_differences() -> None:
    made = [row("u1", "mask", 1.0, True, "s1"), row("u2", "mask", 1.0, True, "s2")]
    made += [row("u1", "random", 0.5, True, "s1"), row("u2", "random", 0.0, False, "s2")]
    mask, random = summary_rows(made, n_failed={"utterance": 3})
    assert (mask.transcripts, mask.frames, mask.lead) == (1, 1, 0)
    assert (random.transcripts, random.frames, random.lead) == (0.5, 0.25, 0.75)
    assert (random.lead_low, random.lead_high) == (0.5, 1.0)  # one of the speakers twice
    assert (mask.n_masks, mask.n_speakers, mask.n_failed) == (2, 2, 3)
    assert mask.share_kept == random.share_kept == 0.25
    assert mask.insertion_area is None


def test_utterances_without_speakers_are_speakers_of_their_own() -> None:
    (found,) = summary_rows([row(f"u{i}", "mask", 1.0, True) for i in range(3)], {"utterance": 0})
    assert found.n_speakers == 3


def cut(name: str, speaker: str, text: str, phones: str = "") -> MonoCut:
    items = [AlignmentItem(p, 0.1 * i, 0.1) for i, p in enumerate(phones.split())]
    aligned = {"phone": items} if items else None
    said = SupervisionSegment(name, name, 0.0, 1.0, text=text, speaker=speaker, alignment=aligned)
    return MonoCut(name, 0.0, 1.0, 0, [said])


CUTS = [
    *(cut(f"a{i}", "a", "the sea is calm", "dh ax s iy") for i in range(4)),
    cut("b1", "b", "see the ships", "s iy sil"),
    cut("c1", "c", "the moon", "m uw n"),
]


@pytest.mark.parametrize("seed", range(4))
def test_no_speaker_has_a_second_utterance_before_all_have_one(seed) -> None:
    chosen = choose_cuts(CUTS, MaskSettings(utterances=4), NO_PAUSES, seed)
    assert sorted(c.supervisions[0].speaker for c in chosen[:3]) == ["a", "b", "c"]
    assert chosen[3].supervisions[0].speaker == "a"
    again = choose_cuts(reversed(CUTS), MaskSettings(utterances=4), NO_PAUSES, seed)
    assert [c.id for c in again] == [c.id for c in chosen]


def test_utterances_say_the_labels_that_are_asked_for() -> None:
    sea = MaskSettings(utterances=9, scopes=["word"], labels={"word": ["sea", "calm"]})
    assert {c.id for c in choose_cuts(CUTS, sea, NO_PAUSES, 0)} == {"a0", "a1", "a2", "a3"}
    phone = MaskSettings(utterances=9, scopes=["phone"], labels={"phone": ["uw"]})
    assert [c.id for c in choose_cuts(CUTS, phone, NO_PAUSES, 0)] == ["c1"]
    pause = MaskSettings(scopes=["phone"], labels={"phone": ["sil"]})
    with pytest.raises(UserError, match="no utterance of test says phone: sil; choose others"):
        choose_cuts(CUTS, pause, NO_PAUSES, 0)


def test_named_utterances_come_as_they_are_named() -> None:
    chosen = choose_cuts(CUTS, MaskSettings(ids=["c1", "a2", "c1"]), NO_PAUSES, 0)
    assert [c.id for c in chosen] == ["c1", "a2"]


def test_a_scope_that_is_named_twice_is_refused() -> None:
    with pytest.raises(UserError, match="scopes: one is named twice"):
        MaskSettings(scopes=["word", "word"])
