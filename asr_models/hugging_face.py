"""Hugging Face's CTC models over the waveform (wav2vec 2.0, HuBERT, WavLM, ...) under study."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from jaxtyping import Float, Int
from torch import Tensor, float32, nn, no_grad, zeros

from acoustics.errors import UserError, reason_of
from acoustics.frames import valid_mask
from asr_models.adapter import Adapter
from asr_models.foreign_states import path_to_tensor
from asr_models.hooks import hooked
from asr_models.wav2vec2_front import ConvFront

INSTALL = "the package transformers is missing; pip install 'otoscope[transformers]'"
WORD_GAP = "|"
OTHER_RATE = ("sew", "sew-d")  # their transformer has fewer states than their convolutions


class HuggingFaceCTC(Adapter):
    """A model of `transformers.AutoModelForCTC` that hears the waveform.

    Layers: `cnn1`, `cnn2`, ... behind norm and non-linearity, and `transformer1`, ..., what each
    layer of the encoder hands on. Padding is masked, also where the public model was trained
    without a mask, as every utterance must be heard as if it were alone.

    Args:
        source: name on the hub, or folder, of a pretrained model.
        architecture: instead, what `AutoConfig.for_model` wants, `model_type` first; the weights
            are random.
        vocabulary: what each class spells, the blank too (default: that of `source`; without one
            there are no classes).
        normalise: bring each waveform to mean 0 and variance 1 (default: as `source` says, or yes).

    Raises:
        UserError: both or none of `source` and `architecture` are given, the model cannot be had,
            or it does not hear a waveform.
    """

    def __init__(
        self,
        source: str | None = None,
        architecture: Mapping[str, Any] | None = None,
        vocabulary: Sequence[str] | None = None,
        normalise: bool | None = None,
    ) -> None:
        super().__init__()
        check_one(type(self).__name__, source, architecture)
        if source is not None:
            model = pretrained("AutoModelForCTC", source)
            vocabulary = vocabulary_of(source) if vocabulary is None else vocabulary
            normalise = normalises(source) if normalise is None else normalise
        else:
            model = random_model("AutoModelForCTC", architecture or {})
        normalise = True if normalise is None else normalise
        kind = model.config.model_type
        base: Any = getattr(model, model.base_model_prefix, None)
        front = getattr(getattr(base, "feature_extractor", None), "conv_layers", None)
        if not isinstance(front, nn.ModuleList) or kind in OTHER_RATE:
            raise UserError(
                f"{source or kind}: {kind} does not hear a waveform at one rate; name it as "
                "asr_models.any_module.AnyModule, in a module that does"
            )
        self.blank = int(model.config.pad_token_id or 0)
        tokens = list(vocabulary or ())
        self.config = {
            "source": None,
            "architecture": plain_config(model.config),
            "vocabulary": tokens,
            "normalise": normalise,
        }
        prefix = model.base_model_prefix
        self.front = ConvFront(front, f"{prefix}.feature_extractor.conv_layers")
        path, layers = f"{prefix}.encoder.layers", base.encoder.layers
        model.eval()
        take = first_part(model, f"{path}.0", 2 * self.front.naturals[-1].needs)
        width = model.config.hidden_size
        points = self.front.points("")
        points += self.front.transformer_points(path, len(layers), width, take)
        spelt = [token for i, token in enumerate(tokens) if i != self.blank]
        self.attach(model, points, spelt, normalise)

    def listen(
        self, waveform: Float[Tensor, "batch sample"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch state token"] | None:
        """Log-probabilities, the blank first, if there is a vocabulary."""
        mask = valid_mask(lengths, waveform.shape[1]).long()
        with self.front.lengths(lengths):
            logits = self.model(waveform, attention_mask=mask).logits
        if not self.has_classes:
            return None
        order = [self.blank, *(i for i in range(logits.shape[-1]) if i != self.blank)]
        return logits[..., order].log_softmax(-1)


def library() -> Any:
    """The package `transformers`.

    Raises:
        UserError: it is not installed.
    """
    try:
        import transformers
    except ImportError as error:
        raise UserError(INSTALL) from error
    return transformers


def check_one(kind: str, source: object, architecture: object) -> None:
    """Refuse both or none of two ways to say which model is meant.

    Raises:
        UserError: so it is.
    """
    if (source is None) == (architecture is None):
        raise UserError(
            f"{kind}: give source (a pretrained model) or architecture (random weights), not both"
        )


def pretrained(kind: str, source: str) -> Any:
    """A pretrained model from a folder, the cache or the hub.

    Raises:
        UserError: it cannot be had; says how.
    """
    try:
        return getattr(library(), kind).from_pretrained(source, dtype=float32)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise UserError(
            f"{source}: not in the cache, and it cannot be had ({reason_of(error)}); on a "
            f"machine with a network: hf download {source}, then copy ~/.cache/huggingface; or "
            "give architecture for random weights"
        ) from error


def random_model(kind: str, architecture: Mapping[str, Any]) -> Any:
    """A model of random weights.

    Raises:
        UserError: `architecture` is not one.
    """
    make = getattr(library(), kind)
    try:
        config = config_of(architecture)
        return make.from_config(config) if kind.startswith("Auto") else make(config)
    except Exception as error:
        raise UserError(
            f"architecture: {reason_of(error)}; give model_type and its sizes as in a config.json"
        ) from error


def config_of(architecture: Mapping[str, Any]) -> Any:
    """A configuration of `transformers` from plain values with `model_type`."""
    values = dict(architecture)
    kind = values.pop("model_type", None)
    if kind is None:
        raise ValueError("model_type is missing")
    return library().AutoConfig.for_model(kind, **values)


def plain_config(config: Any) -> dict[str, Any]:
    """A configuration as plain values, so that a card can hold it."""
    values: dict[str, Any] = json.loads(config.to_json_string(use_diff=True))
    return {"model_type": config.model_type, **values}


def vocabulary_of(source: str) -> list[str]:
    """What each class of a pretrained model spells; special tokens spell nothing.

    Empty where the model has no tokeniser.
    """
    try:
        tokeniser = library().AutoTokenizer.from_pretrained(source)
    except (OSError, ValueError, TypeError):
        return []
    gap = getattr(tokeniser, "word_delimiter_token", None) or WORD_GAP
    special = set(tokeniser.all_special_tokens) - {gap}
    found = sorted(tokeniser.get_vocab().items(), key=lambda item: item[1])
    return ["" if t in special else t.lower().replace(gap, " ") for t, _ in found]


def normalises(source: str) -> bool:
    """Whether a pretrained model wants its waveforms normalised."""
    try:
        extractor = library().AutoFeatureExtractor.from_pretrained(source)
    except (OSError, ValueError, TypeError):
        return True
    return bool(getattr(extractor, "do_normalize", True))


def first_part(model: nn.Module, module: str, samples: int) -> str:
    """Steps to the tensor in what `module` returns, found by running the network on silence."""
    seen: list[str | None] = []
    with hooked(model, {module: lambda output: seen.append(path_to_tensor(output))}), no_grad():
        model(zeros(1, samples))
    return seen[0] or ""
