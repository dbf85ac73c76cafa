"""Is a rising EER lost identity, or only damaged audio? Two other ways to verify rendered speech.

`<verifier>:natural`: the first utterance of a trial is natural and clean, the second rendered, so
damage that all rendered speech shares makes no pair alike. `<verifier>:adapted`: the embeddings go
through a linear map (`speaker_space`) that was learnt, layer by layer, on rendered speech of
training speakers, clean and noisy alike. What neither brings back is gone from the rendering.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from acoustics.errors import UserError
from evaluation.embeddings import Place, Voices, score_voices, trial_rows
from evaluation.records import TrialScoreRow
from evaluation.speaker_space import SpeakerSpace, TooFewSpeakersError, fit_speaker_space
from evaluation.trials import Trial
from evaluation.verifiers.verifier import Embeddings

NATURAL_ENROLMENT, ADAPTED = "natural", "adapted"


@dataclass
class TrainingVoices:
    """Embeddings of rendered training speech by layer and verifier, and who said what."""

    voices: dict[tuple[str, str], Voices] = field(default_factory=dict)
    speakers: dict[str, str] = field(default_factory=dict)


def natural_voices(voices: Mapping[Place, Voices]) -> dict[str, Voices]:
    """Of each verifier the embeddings of natural clean speech.

    Raises:
        UserError: there are none.
    """
    found = {scorer: v for (c, y, scorer), v in voices.items() if (c, y) == ("clean", "natural")}
    if not found:
        raise UserError(
            "trials of natural against rendered speech need the condition clean: "
            "add it to evaluation.conditions"
        )
    return found


def natural_trials(
    model: str,
    trials: Sequence[Trial],
    voices: Mapping[Place, Voices],
    natural: Mapping[str, Voices],
) -> list[TrialScoreRow]:
    """Rows of `<verifier>:natural`: natural clean speech against every layer and condition.

    Args:
        model: name in the tables.
        trials: the run's trial list.
        voices: embeddings of what was rendered.
        natural: of each verifier the embeddings of natural clean speech.
    """
    rows = []
    for (condition, layer, scorer), found in voices.items():
        scores = score_voices(trials, found, natural[scorer])
        place = condition, layer, f"{scorer}:{NATURAL_ENROLMENT}"
        rows += trial_rows(model, place, trials, scores)
    return rows


def adapt(voices: Voices, speakers: Mapping[str, str]) -> SpeakerSpace:
    """The map that tells the speakers of embedded training speech apart.

    Raises:
        TooFewSpeakersError: there are not two speakers with two embeddings.
    """
    names = sorted(voices.vectors)
    vectors = np.stack([voices.vectors[n] for n in names]) if names else np.zeros((0, 1))
    return fit_speaker_space(vectors, [speakers[name] for name in names])


def adapted_voices(space: SpeakerSpace, voices: Voices) -> Voices:
    """The same utterances along the directions of `space`."""
    found, names = Voices(failures=dict(voices.failures)), list(voices.vectors)
    if names:
        vectors = space.embed(np.stack([voices.vectors[name] for name in names]))
        finite = np.isfinite(vectors).all(1)
        reasons = ["" if good else "no direction of a speaker" for good in finite]
        found.add(names, Embeddings(vectors, reasons))
    return found


def adapted_trials(
    model: str, trials: Sequence[Trial], voices: Mapping[Place, Voices], training: TrainingVoices
) -> list[TrialScoreRow]:
    """Rows of `<verifier>:adapted`, one map for each layer, for all of its conditions.

    Layers that `training` does not have are left out.

    Args:
        model: name in the tables.
        trials: the run's trial list.
        voices: embeddings of what was rendered.
        training: from `identity_scoring.render_training_embeddings`.
    """
    spaces: dict[tuple[str, str], SpeakerSpace | str] = {}
    for key, found in training.voices.items():
        try:
            spaces[key] = adapt(found, training.speakers)
        except TooFewSpeakersError as error:
            spaces[key] = f"{key[1]} cannot be adapted: {error}"
    rows = []
    for (condition, layer, scorer), found in voices.items():
        space = spaces.get((layer, scorer))
        if space is None:
            continue
        if isinstance(space, str):
            adapted = Voices(failures={name: space for t in trials for name in (t.enrol, t.test)})
        else:
            adapted = adapted_voices(space, found)
        place = condition, layer, f"{scorer}:{ADAPTED}"
        rows += trial_rows(model, place, trials, score_voices(trials, adapted))
    return rows
