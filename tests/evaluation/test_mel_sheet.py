"""Mels side by side as a figure: on one scale, the right way up, savable."""

import io

import numpy as np
import pytest

from evaluation.mel_sheet import mel_sheet
from evaluation.pictures import mel_levels

MEL = np.random.default_rng(0).normal(size=(50, 80)).astype(np.float32)


def test_all_are_on_the_scale_of_the_first_and_time_is_in_seconds() -> None:
    sheet = mel_sheet({"natural": MEL, "cnn1": MEL - 5, "$x$": MEL[:20]}, hop_s=0.02, columns=2)
    shown = [panel for panel in sheet.axes if panel.get_visible()]
    assert [panel.get_title() for panel in shown] == ["natural", "cnn1", r"\$x\$"]
    images = [panel.images[0] for panel in shown]
    assert {image.get_clim() for image in images} == {mel_levels(MEL)}
    assert [image.get_extent()[1] for image in images] == [1.0, 1.0, 0.4]
    assert np.array_equal(images[0].get_array(), MEL.T) and images[0].origin == "lower"


@pytest.mark.parametrize("kind", ["svg", "pdf"])
def test_it_can_be_saved_for_a_paper(kind: str) -> None:
    buffer = io.BytesIO()
    mel_sheet({"natural": MEL}, title="what is heard").savefig(buffer, format=kind)
    assert len(buffer.getvalue()) > 1000


def test_without_a_mel_there_is_no_sheet() -> None:
    with pytest.raises(ValueError, match="at least one"):
        mel_sheet({})
