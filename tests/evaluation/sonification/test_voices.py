"""The speakers of a corpus by what it knows of them."""

import numpy as np
import pytest

from acoustics.errors import UserError
from evaluation.sonification.units import build_units
from evaluation.sonification.voices import Voices


def test_attributes_are_those_that_group_speakers(toy) -> None:
    """An accent of two, a pitch in thirds; not what names nearly all, nor what is constant."""
    spoken = toy.corpus(each=2)
    for number, cut in enumerate(spoken.cuts):
        said = cut.supervisions[0]
        said.custom = {
            "accent": "north" if said.speaker in ("ann", "dan", "fay") else "south",
            "home": f"house of {said.speaker}",
            "pitch": 10.0 * (number // 2),
            "planet": "earth",
        }
    units = build_units(spoken.cuts, ["segments", "words"])
    voices = Voices(units.utterances, spoken.cuts, replicates=7, seed=0)
    assert voices.attributes() == ["sex", "accent", "pitch"]
    assert voices.weights.shape == (7, 6) and np.all(voices.weights.sum(1) == 6)
    assert voices.groups("accent").names == ("north", "south")
    assert voices.groups("nothing").objection == "nothing of no speaker is known"
    registry = units.registries["words"]
    mine = voices.names_of(registry) == "ann"
    assert set(voices.of_segment(registry)[mine]) == {0}


def test_where_nobody_is_named_every_utterance_is_a_voice(toy) -> None:
    spoken = toy.corpus(each=2)
    for cut in spoken.cuts:
        cut.supervisions[0].speaker = ""
    units = build_units(spoken.cuts)
    voices = Voices(units.utterances, spoken.cuts, replicates=3, seed=0)
    assert len(set(voices.names)) == len(spoken.cuts) == voices.weights.shape[1]
    assert len(voices.sexes.speakers) == 10  # of twelve, two of fay's are of no known sex


def test_speakers_of_one_synthetic_voice_are_drawn_together(toy) -> None:
    """Ann and bea share a voice: five voices are drawn, and the sexes have one woman less."""
    spoken = toy.corpus(each=2)
    for cut in spoken.cuts:
        said = cut.supervisions[0]
        said.custom = {"variant": "f1" if said.speaker in ("ann", "bea") else said.speaker}
    units = build_units(spoken.cuts, ["segments"])
    voices = Voices(units.utterances, spoken.cuts, replicates=200, seed=0)
    ann, bea = (list(voices.names).index(name) for name in ("ann", "bea"))
    place = voices.of_utterance
    assert np.array_equal(voices.weights[:, place[ann]], voices.weights[:, place[bea]])
    assert (np.delete(voices.weights, place[bea], axis=1).sum(1) == 5).all()
    assert voices.sexes.speakers == ("cyd", "dan", "eli", "voice f1")
    assert set(voices.names_of(units.registries["segments"], "sex")) >= {"voice f1", "fay"}
    assert "6 speakers share 5 voices" in voices.remark
    alone = Voices(units.utterances, toy.corpus(each=2).cuts, replicates=3, seed=0)
    assert alone.remark == ""


def test_an_empty_corpus_is_a_mistake(toy) -> None:
    units = build_units([])
    with pytest.raises(UserError, match="no utterance to search"):
        Voices(units.utterances, [], replicates=3, seed=0)
