"""Masks while a recogniser is tested, as those of a study of the same utterances."""

import pytest

from acoustics.errors import UserError
from asr_models.ctc import CTCModule
from evaluation.masks.callback import ImportanceMasks
from evaluation.masks.corpus_study import study_masks
from evaluation.masks.mask_settings import MaskSettings

SETTINGS = MaskSettings(utterances=2, steps=5, prunings=5, points=3)


@pytest.mark.slow
def test_the_callback_finds_what_the_study_finds(
    tiny_recogniser, speech, tmp_path, quiet_trainer
) -> None:
    """In Lightning's inference mode, and without a pass of its own through the corpus."""
    callback = ImportanceMasks(str(tmp_path), "toy", masks=SETTINGS)
    trainer = quiet_trainer(tmp_path, callbacks=[callback], inference_mode=True)
    trainer.test(CTCModule(tiny_recogniser()), speech, verbose=False)
    found = study_masks(tiny_recogniser(), speech, tmp_path / "plain", "toy", SETTINGS)
    assert [(row.n_masks, row.n_speakers) for row in found.summary] == [(2, 2)] * 3
    assert not found.failures
    for name in ("masks", "curves", "sounds", "summary"):
        mine = (tmp_path / "masks" / "toy" / f"{name}.csv").read_text()
        assert mine == (tmp_path / "plain" / f"{name}.csv").read_text()


def test_what_did_not_come_by_is_a_failure(
    tiny_recogniser, speech, tmp_path, quiet_trainer
) -> None:
    settings = MaskSettings(utterances=99, steps=1, prunings=0, points=0)
    callback = ImportanceMasks(str(tmp_path), "toy", masks=settings)
    speech.batch_duration_s = 1.0
    trainer = quiet_trainer(tmp_path, callbacks=[callback], limit_test_batches=1)
    trainer.test(CTCModule(tiny_recogniser()), speech, verbose=False)
    failures = (tmp_path / "masks" / "toy" / "failures.csv").read_text().splitlines()[1:]
    assert failures and all("did not come by in the test" in line for line in failures)
    assert len(failures) + len(callback.heard) == len(callback.cuts)


def test_the_callback_names_what_is_not_there(
    tiny_recogniser, speech, tmp_path, quiet_trainer
) -> None:
    module = CTCModule(tiny_recogniser())
    unknown = MaskSettings(ids=["v9"])
    for callback, complaint in (
        (ImportanceMasks(str(tmp_path), condition="snr0"), "condition snr0 is not tested"),
        (ImportanceMasks(str(tmp_path), masks=unknown), "ids: there is no utterance 'v9' in test"),
    ):
        with pytest.raises(UserError, match=complaint):
            quiet_trainer(tmp_path, callbacks=[callback]).test(module, speech, verbose=False)
