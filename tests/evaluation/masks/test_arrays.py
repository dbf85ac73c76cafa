"""What a mask's pictures are drawn from comes back from the disk as it was."""

import dataclasses

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load, save

from evaluation.masks.arrays import MaskArrays, Said, arrays_of, read_arrays, write_arrays
from evaluation.masks.mask_settings import SearchSettings, StudySettings
from evaluation.masks.scopes import Span
from evaluation.masks.study import mask_study

QUICK = SearchSettings(steps=6, prunings=5, snapshots=3)


@pytest.fixture
def study(toy):
    subjects = toy(rows=2).subjects
    return mask_study(subjects, "toy", [None, Span("a", 5, 7)], QUICK, StudySettings(points=0))


def same(first: MaskArrays, second: MaskArrays) -> bool:
    return all(
        np.array_equal(getattr(first, name), getattr(second, name))
        for name in ("pixels", "low", "high", "snapshots", "steps", "frame_s", "said", "required")
    ) and all(np.array_equal(first.kept[name], second.kept[name]) for name in first.kept)


def test_arrays_are_those_of_the_study(study):
    whole, part = arrays_of(study, 0), arrays_of(study, 1)
    assert np.array_equal(whole.kept["mask"], study.masks.kept[0].numpy())
    assert set(whole.kept) == {"mask", "random", "energy"}
    assert len({int(kept.sum()) for kept in whole.kept.values()}) == 1
    assert np.array_equal(whole.snapshots[-1], whole.kept["mask"])
    assert len(whole.steps) == len(whole.snapshots) and whole.steps[-1] == QUICK.steps
    step = (whole.high - whole.low) / 255
    assert np.abs(whole.normal - study.subjects.normal[0].numpy()).max() <= step / 2 + 1e-6
    assert whole.required is None
    assert part.required == Said("a", pytest.approx(0.05), pytest.approx(0.07))
    assert [word.label for word in whole.said] == study.subjects.texts[0].split()


def test_they_come_back_from_the_disk_and_are_small(study, tmp_path):
    written = arrays_of(study, 0)
    path = tmp_path / "arrays" / "u.safetensors"
    write_arrays(path, written)
    found = read_arrays(path)
    assert found is not None and same(found, written)
    entries = written.pixels.size
    assert path.stat().st_size < entries + (3 + len(written.snapshots)) * (entries // 8 + 80) + 999


def test_frames_that_are_all_alike_are_kept(study, tmp_path):
    study.subjects.normal[0] = 0.5
    arrays = arrays_of(study, 0)
    assert not arrays.pixels.any() and (arrays.normal == 0.5).all()


@pytest.mark.parametrize("broken", ["absent", "cut", "text", "bits", "steps", "mask", "facts"])
def test_a_broken_file_is_none(study, tmp_path, broken):
    path, arrays = tmp_path / "u.safetensors", arrays_of(study, 0)
    if broken == "steps":
        arrays = dataclasses.replace(arrays, steps=arrays.steps[:-1])
    elif broken == "mask":
        arrays = dataclasses.replace(arrays, kept={"random": arrays.kept["random"]})
    write_arrays(path, arrays)
    if broken == "absent":
        path.unlink()
    elif broken == "cut":
        path.write_bytes(path.read_bytes()[:-9])
    elif broken == "text":
        path.write_text("no tensors")
    elif broken == "facts":
        path.write_bytes(save(load(path.read_bytes()), {"facts": "[]"}))
    elif broken == "bits":
        with safe_open(path, framework="np") as file:
            facts = file.metadata()
        tensors = load(path.read_bytes())
        path.write_bytes(save(tensors | {"kept.mask": tensors["kept.mask"][:-1]}, facts))
    assert read_arrays(path) is None
