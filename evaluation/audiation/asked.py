"""What a study asks of a recogniser: checked before a corpus is heard, and light to import."""

from acoustics.errors import UserError
from asr_models.deepspeech import ContextWindows
from asr_models.layer import select_layers, spread
from asr_models.recogniser import FrameRecogniser, Recogniser
from evaluation.audiation.study_settings import AudiationSettings


def wanted_layers(recogniser: Recogniser, settings: AudiationSettings) -> list[str]:
    """Layers in order of depth: those of the features that are given, else some over all depths.

    Raises:
        UserError: a layer or a feature is not there.
    """
    if not settings.features:
        names = select_layers(recogniser.layers, settings.layers)
        return spread(names, settings.most_layers or len(names))
    for layer, features in settings.features.items():
        select_layers(recogniser.layers, [layer])
        if layer not in recogniser.layers:
            raise UserError(f"features: '{layer}' is not the name of one layer; write it out")
        count = recogniser.layers[layer].features
        if not features or len(set(features)) < len(features):
            raise UserError(f"features of layer {layer}: name one or more, each once")
        for feature in features:
            if not 0 <= feature < count:
                raise UserError(f"layer {layer} has no feature {feature}: it has 0 to {count - 1}")
    return select_layers(recogniser.layers, list(settings.features))


def wants_learned_inputs(recogniser: Recogniser, settings: AudiationSettings) -> bool:
    """Whether these figures are to be made.

    Raises:
        UserError: they are asked for, but the recogniser cannot be fed frames.
    """
    hears_frames = isinstance(recogniser, FrameRecogniser)
    if settings.learned_inputs and not hears_frames:
        raise UserError(
            f"learned_inputs: {type(recogniser).__name__} hears waveforms and cannot be fed "
            "frames; set it to null"
        )
    if settings.learned_inputs is None:
        return hears_mfccs(recogniser)
    return settings.learned_inputs


def hears_mfccs(recogniser: Recogniser) -> bool:
    """Whether a recogniser's frames are cepstral coefficients."""
    return mfccs_of(recogniser) > 0


def mfccs_of(recogniser: Recogniser) -> int:
    """Cepstral coefficients of a frame that a recogniser hears; 0 where it hears something else."""
    frontend = recogniser.frontend if isinstance(recogniser, FrameRecogniser) else None
    return frontend.bands if isinstance(frontend, ContextWindows) else 0
