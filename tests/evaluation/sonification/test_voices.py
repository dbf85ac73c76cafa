"""The speakers of a corpus by what it knows of them."""

import numpy as np

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
