"""From speech to tables, sounds and pictures; and what cannot be masked, in one line."""

import dataclasses
import io

import numpy as np
import pytest
import torch
from PIL import Image

from acoustics.errors import UserError
from acoustics.griffin_lim import phase_seed
from asr_models.deepspeech import DeepSpeech
from asr_models.frontend import MelDeltas, NormalisedBands
from asr_models.recogniser import Recogniser
from corpora.corpus import SAMPLE_RATE
from evaluation.audiation.hearing import heard_as
from evaluation.masks.folder import MaskFailureRow, write_pictures, write_tables
from evaluation.masks.judging import MASK
from evaluation.masks.logged import mask_name
from evaluation.masks.mask_settings import SearchSettings, StudySettings
from evaluation.masks.rows import CurveRow, MaskRow, SoundRow
from evaluation.masks.scopes import Span, scope_of, span_name
from evaluation.masks.sounds import mask_sounds, masked_frames, muted, resynthesised
from evaluation.masks.study import mask_study
from evaluation.masks.subjects import hear
from evaluation.masks.summary import MaskSummaryRow, summary_rows
from evaluation.records import read_rows

QUICK = SearchSettings(steps=12, prunings=20, snapshots=3)
BRIEF = StudySettings(points=3)


@pytest.fixture(scope="module")
def recogniser():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        return DeepSpeech(width=12, context=1).freeze()


@pytest.fixture(scope="module")
def study(recogniser, make_batch):
    subjects, failures = hear(recogniser, make_batch([6400, 8000]))
    assert not failures
    return mask_study(subjects, "tiny", [None, Span("x", 3, 7)], QUICK, BRIEF)


def test_every_claim_in_the_table_is_true_of_the_hard_mask(study, recogniser):
    subjects = study.subjects
    rows = [row for row in study.judgement.rows if row.mask == MASK]
    for number, row in enumerate(rows):
        count = int(subjects.counts[number])
        kept = study.masks.kept[number, :count]
        normal = subjects.normal[number : number + 1, :count]
        whole, _ = recogniser.from_frames(normal, torch.tensor([count]))
        said, _ = recogniser.from_frames(normal * kept, torch.tensor([count]))
        steps = slice(0, count) if number == 0 else slice(3, 7)
        assert (said.argmax(-1) == whole.argmax(-1))[0, steps].all()
        assert row.frames_preserved == 1
        assert row.transcript_preserved
        assert row.share_kept == int(kept.sum()) / kept.numel() < 1
        assert row.entries == count * 26
        assert not study.masks.kept[number, count:].any()
    assert [row.frames for row in rows] == [21, 4]
    assert [row.scope for row in rows] == ["utterance", "word"]
    assert [row.span for row in rows] == ["", "x@3"]


def test_controls_stand_beside_each_mask_with_its_size(study):
    for number in range(2):
        rows = study.judgement.rows[3 * number : 3 * number + 3]
        assert [row.mask for row in rows] == ["mask", "random", "energy"]
        assert len({(row.utterance, row.share_kept, row.text) for row in rows}) == 1
    (first, *_) = study.judgement.rows
    points = study.judgement.curves["mask", "insertion"][0]
    assert first.insertion_area == pytest.approx((points[0] + 2 * points[1] + points[2]) / 4)


def test_time_of_which_little_is_kept_is_muted():
    waveform = np.ones(35, dtype=np.float32)
    kept = np.zeros((4, 10), dtype=bool)
    kept[1, :2], kept[3] = True, True
    heard = muted(waveform, kept, 10, 0.2)  # frames lie on samples 0, 10, 20, 30
    assert heard.waveform.tolist() == [0] * 5 + [1] * 10 + [0] * 10 + [1] * 10
    assert heard.muted_share == 15 / 35
    assert muted(waveform, kept, 10, 0.21).waveform.tolist() == [0] * 25 + [1] * 10
    assert muted(waveform, kept, 10, 0.0).waveform.all()
    assert waveform.all()


def test_masked_frames_are_what_normalises_to_the_masked_ones(recogniser, make_batch):
    batch = make_batch([8000])
    for frontend in (
        MelDeltas(recogniser.log_mel),
        NormalisedBands(recogniser.log_mel),
        recogniser.frontend,
    ):
        frames, counts = frontend.frames(batch.waveform, batch.lengths)
        normal = frontend.normalise(frames, counts)
        kept = torch.rand(frames[0].shape, generator=torch.Generator().manual_seed(0)) < 0.5
        masked = masked_frames(frames[0], normal[0], kept)
        assert masked[kept].equal(frames[0][kept])
        # The same mean and deviation, applied to both, give the masked normalised frames.
        slope = normal[0, 0] - normal[0, 5]
        scale = slope / (frames[0, 0] - frames[0, 5])
        again = normal[0] + (masked - frames[0]) * scale
        assert torch.allclose(again, normal[0] * kept, atol=2e-3)


def test_a_band_that_never_changes_stays_as_it_is():
    frames = torch.full((6, 2), -6.9)
    kept = torch.zeros(6, 2, dtype=torch.bool)
    assert masked_frames(frames, torch.zeros(6, 2), kept).equal(frames)


def test_a_mask_that_keeps_all_is_rendered_as_the_utterance_is(study):
    subjects = study.subjects
    frontend = subjects.recogniser.frontend
    waveform, count = subjects.batch.waveform[1:2, :8000], int(subjects.counts[1])
    everything = torch.ones(count, 26, dtype=torch.bool)
    sound = resynthesised(subjects, 1, everything, "all")
    frames, _ = frontend.frames(waveform, torch.tensor([8000]))
    seeds = [phase_seed(0, subjects.batch.ids[1])]
    direct = heard_as(subjects.recogniser, frontend.to_log_mel(frames), "log_mel", seeds)
    np.testing.assert_array_equal(sound.waveform, direct[0].numpy())
    names = [sound.name for sound in mask_sounds(subjects, 1, everything)]
    assert names == ["natural", "muted 0.1", "muted 0.2", "muted 0.3", "masked", "copy-synthesis"]


def test_what_is_heard_is_held_against_the_utterance(study):
    for row, lines in enumerate(study.heard):
        assert lines[0].sound == "natural"
        assert lines[0].transcript_preserved
        assert lines[0].text == study.subjects.texts[row]
        assert all(line.transcript_preserved == (line.text == lines[0].text) for line in lines)


def test_a_study_leaves_tables_pictures_and_sounds(study, tmp_path):
    lost = [MaskFailureRow("u9", "silent, so there is nothing to mask")]
    heard = [row for rows in study.heard for row in rows]
    summary = list(summary_rows(study.judgement.rows, {"utterance": 1, "word": 1}))
    write_tables(tmp_path, "tiny", [study.judgement], heard, lost, summary)
    write_pictures(tmp_path, study)
    written = list(read_rows(tmp_path / "masks.csv", MaskRow))
    assert [(r.utterance, r.mask, r.text) for r in written] == [
        (r.utterance, r.mask, r.text) for r in study.judgement.rows
    ]
    assert len(list(read_rows(tmp_path / "curves.csv", CurveRow))) == 2 * 3 * 2 * 3
    assert len(list(read_rows(tmp_path / "sounds.csv", SoundRow))) == 12
    summed = list(read_rows(tmp_path / "summary.csv", MaskSummaryRow))
    assert [(r.scope, r.mask, r.n_masks, r.n_failed) for r in summed] == [
        (scope, mask, 1, 1)
        for scope in ("utterance", "word")
        for mask in ("mask", "random", "energy")
    ]
    assert [r.utterance for r in read_rows(tmp_path / "failures.csv", MaskFailureRow)] == ["u9"]
    figures = {path.name for path in (tmp_path / "figures").iterdir()}
    names = [
        mask_name(subject, span)
        for subject, span in zip(study.subjects.batch.ids, ("", "x@3"), strict=True)
    ]
    expected = {f"{n}{end}" for n in names for end in (".mask.png", ".sounds.png", ".gif")}
    assert figures == expected | {"curves.svg", "curves.png"}
    with Image.open(tmp_path / "figures" / f"{names[0]}.gif") as moving:
        assert 2 <= moving.n_frames <= len(study.masks.snapshots)
    assert len(list((tmp_path / "audio" / names[1]).iterdir())) == 6
    before = (tmp_path / "figures" / f"{names[0]}.gif").read_bytes()
    write_pictures(tmp_path, study)
    assert (tmp_path / "figures" / f"{names[0]}.gif").read_bytes() == before
    assert io.BytesIO(before).read(6) == b"GIF89a"


def test_what_masks_keep_has_names():
    assert (scope_of(None), span_name(None)) == ("utterance", "")
    span = Span("iy", 41, 50, "phone")
    assert (scope_of(span), span_name(span)) == ("phone", "iy@41")


def test_what_cannot_be_masked_is_named_and_the_rest_goes_on(recogniser, make_batch):
    batch = make_batch([8000, 8000, 1600, 8000])
    batch.waveform[1], batch.waveform[3, 40] = 0, torch.nan
    subjects, failures = hear(recogniser, batch)
    assert subjects is not None
    assert subjects.batch.ids == ["u0-0"]
    reasons = dict(failures)
    assert reasons["u0-1"] == "silent, so there is nothing to mask"
    assert "too short (0.10 s" in reasons["u0-2"]
    assert "NaN" in reasons["u0-3"]
    nothing, failures = hear(recogniser, batch.select([1, 2]))
    assert nothing is None
    assert len(failures) == 2


def test_a_recogniser_that_answers_with_nan_is_said(make_batch):
    broken = DeepSpeech(width=12, context=1)
    with torch.no_grad():
        broken.head.bias[2] = torch.nan
    subjects, failures = hear(broken.freeze(), make_batch([8000, 6400]))
    assert subjects is None
    assert {reason for _, reason in failures} == {
        "DeepSpeech answers it with NaN; its weights are broken"
    }


class Listener(Recogniser):
    """Reads the waveform itself."""

    classes = True

    def forward(self, waveform, lengths):
        raise AssertionError

    @property
    def has_classes(self):
        return self.classes


def test_recognisers_to_which_masks_do_not_apply_are_refused_in_one_line(make_batch):
    with pytest.raises(UserError, match="Listener reads waveforms and has no frames to mask") as a:
        hear(Listener(), make_batch([8000]))
    deaf = Listener()
    deaf.classes = False
    with pytest.raises(UserError, match="no output classes, so an importance mask") as b:
        hear(deaf, make_batch([8000]))
    assert "\n" not in str(a.value) + str(b.value)


def test_subjects_know_their_time(study):
    assert study.subjects.frame_s == 320 / SAMPLE_RATE
    assert dataclasses.replace(study.subjects).entries.tolist() == [21 * 26, 26 * 26]
