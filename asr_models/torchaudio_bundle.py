"""torchaudio's wav2vec 2.0, HuBERT and WavLM bundles as recognisers under study."""

import copy
from collections.abc import Mapping
from typing import Any

import torchaudio
from jaxtyping import Float, Int
from torch import Tensor
from torchaudio.models import Wav2Vec2Model, wav2vec2_model, wavlm_model

from acoustics.errors import UserError, reason_of
from asr_models.adapter import Adapter
from asr_models.foreign_sound import check_sample_rate
from asr_models.wav2vec2_front import ConvFront

FACTORIES = {"Wav2Vec2": wav2vec2_model, "WavLM": wavlm_model}
WORD_GAP = "|"


class TorchaudioBundle(Adapter):
    """A bundle of `torchaudio.pipelines`, e.g. `WAV2VEC2_BASE` or `HUBERT_ASR_LARGE`.

    Layers: `cnn1` to `cnn7` behind norm and GELU, and `transformer1` to `transformer12` (or 24, or
    48), what each transformer layer hands on. Bundles for recognition (`..._ASR_...`) have classes.
    A waveform is normalised where the bundle wants it, each utterance by itself (torchaudio takes
    the whole padded batch together). WavLM takes no padding mask in torchaudio: it hears
    utterances of different length one by one.

    Args:
        bundle: name in `torchaudio.pipelines`.
        pretrained: the public weights, downloaded once; without them the weights are random.
        sizes: what differs from the bundle's own sizes, such as `encoder_num_layers: 2`; only
            with random weights.

    Raises:
        UserError: there is no such bundle, it has no such sizes, or its weights cannot be had.
    """

    def __init__(
        self,
        bundle: str,
        pretrained: bool = False,
        sizes: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        found = find_bundle(bundle)
        if pretrained and sizes:
            raise UserError(f"sizes: the weights of {bundle} have its own; leave one of them out")
        # The card is written beside the weights, so what it rebuilds needs no download.
        self.config = {"bundle": bundle, "pretrained": False, "sizes": dict(sizes or {})}
        own = copy.deepcopy(found._params)
        try:
            model = FACTORIES[found._model_type](**(own | dict(sizes or {})))
        except Exception as error:  # torch's and torchaudio's checks, of several kinds
            raise UserError(f"sizes: {reason_of(error)}; {bundle} has {', '.join(own)}") from error
        if pretrained:
            model.load_state_dict(download(bundle, found))
        front = ConvFront(model.feature_extractor.conv_layers, "feature_extractor.conv_layers")
        layers = model.encoder.transformer.layers
        width = layers[0].attention.embed_dim
        points = front.points("0")
        points += front.transformer_points("encoder.transformer.layers", len(layers), width, "0")
        labels = found.get_labels()[1:] if hasattr(found, "get_labels") else ()
        self.front, self.masks = front, found._model_type != "WavLM"
        self.attach(
            model,
            points,
            [label.lower().replace(WORD_GAP, " ") for label in labels],
            normalise=found._normalize_waveform,
            apart="" if self.masks else "torchaudio's WavLM takes no padding mask",
        )

    def listen(
        self, waveform: Float[Tensor, "batch sample"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch state token"] | None:
        """Log-probabilities, the blank first, if the bundle is one for recognition."""
        model = self.model
        assert isinstance(model, Wav2Vec2Model)  # noqa: S101 - for the type checker
        with self.front.lengths(lengths):
            output, _ = model(waveform, lengths if self.masks else None)
        return output.log_softmax(-1) if self.has_classes else None


def find_bundle(name: str) -> torchaudio.pipelines.Wav2Vec2Bundle:
    """A bundle by its name.

    Raises:
        UserError: there is none; the known ones are listed.
    """
    pipelines, kind = vars(torchaudio.pipelines), torchaudio.pipelines.Wav2Vec2Bundle
    found = pipelines.get(name)
    if not isinstance(found, kind):
        known = ", ".join(sorted(n for n, value in pipelines.items() if isinstance(value, kind)))
        raise UserError(f"bundle '{name}' is unknown; torchaudio has {known}")
    check_sample_rate(found.sample_rate, f"bundle {name}")
    return found


def download(name: str, bundle: torchaudio.pipelines.Wav2Vec2Bundle) -> Mapping[str, Tensor]:
    """The public weights, from the cache or the network.

    Raises:
        UserError: neither has them; says how they are got.
    """
    try:
        found: Mapping[str, Tensor] = bundle._get_state_dict({"progress": False})
    except Exception as error:
        raise UserError(
            f"the weights of {name} cannot be downloaded ({reason_of(error)}); on a machine with "
            f"a network: python -c 'import torchaudio; torchaudio.pipelines.{name}.get_model()', "
            "then copy ~/.cache/torch/hub/checkpoints; or say pretrained: false for random weights"
        ) from error
    return found
