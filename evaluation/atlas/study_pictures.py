"""Figures that a study has left, with their titles."""

from __future__ import annotations

from collections.abc import Mapping

from evaluation.page_pictures import Picture
from evaluation.sonification.study_folder import StudyFolder

TITLES = {
    "heat_map": "All features: men and women in their best segments",
    "same_word": "The same word by a man and a woman",
    "activation": "One feature over time, with waveform, phones and words",
    "spectra": "Waveform, spectrogram and log-mel",
    "blocks": "First, penultimate and last sub-block of each block",
}
JOINT_TITLES = {
    "dominance": "Features dominated by one sex, over depth",
    "complexity": "Phones per activating segment, over depth",
    "activity": "How features are active, over depth",
}
"""Of the overview, which has all models side by side."""


def pictures_of(study: StudyFolder, titles: Mapping[str, str]) -> list[Picture]:
    """Those of these figures that there are, in order."""
    found = []
    for name, title in titles.items():
        path = study.file(f"figures/{name}.png")
        if path is not None:
            found.append(Picture(name, title, path))
    return found


def grid_of(study: StudyFolder, layer: str) -> list[Picture]:
    """The figure of a whole layer, where there is one."""
    return pictures_of(study, {f"grid-{layer}": f"All features of {layer}, ten utterances"})
