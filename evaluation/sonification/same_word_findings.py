"""The same word by two speakers: do deep layers hear it as the same?"""

import numpy as np

from evaluation.sonification.depth_trend import hedged
from evaluation.sonification.findings import Examiner
from evaluation.sonification.same_word import layer_overlap, same_word_claims, same_word_rows
from evaluation.sonification.word_triplets import Triplets


def find_same_word(asked: Examiner, triplets: Triplets) -> None:
    """Overlaps of the features that a word activates in two speakers.

    Args:
        asked: its findings are added to.
        triplets: of occurrences whose activations were kept.
    """
    found, voices, findings = asked.found, asked.voices, asked.findings
    if not found.words or not len(triplets.anchor):
        why = "no word is said by two speakers of one sex and one of the other"
        findings.notes.append(f"same word: {why}")
        return
    speaker = voices.of_segment(found.units.tiers["word"])
    layers = {
        layer: layer_overlap(found.words[layer], triplets, speaker, voices.weights)
        for layer in asked.depths
    }
    findings.same_word += same_word_rows(asked.name, layers, asked.depths)
    claims = same_word_claims(asked.name, layers, asked.depths)
    findings.claims += [hedged(claim, len(np.unique(speaker))) for claim in claims]
