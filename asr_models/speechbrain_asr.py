"""speechbrain's pretrained recognisers under study."""

import functools
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from jaxtyping import Float, Int
from torch import Tensor

from acoustics.errors import UserError, reason_of
from asr_models.adapter import Adapter
from asr_models.any_module import full
from asr_models.discovery import TapSettings, centres_of, discover
from asr_models.foreign_sound import check_sample_rate
from asr_models.speechbrain_modules import settle_lazy_modules
from corpora.cache import cache_root

WORD_GAP = "▁"  # of sentencepiece


class SpeechbrainASR(Adapter):
    """An `EncoderASR` or `EncoderDecoderASR` of `speechbrain.inference`.

    Layers are the modules named; their paths begin with `mods.encoder`. An `EncoderASR` that
    decodes greedily has classes. An `EncoderDecoderASR` spells with a decoder of its own, not by
    classes of the encoder's states, so it has none here.

    Loading runs what the model's `hyperparams.yaml` says; use sources that you trust.

    Args:
        source: name on the hub, or folder with `hyperparams.yaml`.
        layers: paths of modules, or globs, e.g. `mods.encoder.*`.
        interface: which of the two it is.
        savedir: where downloads are kept (default: the cache).
        take: as for `AnyModule`.
        offsets: as for `AnyModule`.

    Raises:
        UserError: it cannot be had, or a layer is not a sequence of states; says what to set.
    """

    def __init__(
        self,
        source: str,
        layers: Sequence[str],
        interface: Literal["EncoderASR", "EncoderDecoderASR"] = "EncoderASR",
        savedir: str | None = None,
        take: Mapping[str, str] | None = None,
        offsets: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__()
        self.config = {
            "source": source,
            "layers": list(layers),
            "interface": interface,
            "savedir": savedir,
            "take": dict(take or {}),
            "offsets": dict(offsets or {}),
        }
        model = pretrained(interface, source, savedir)
        check_sample_rate(getattr(model.hparams, "sample_rate", 16000), source)
        settings = TapSettings(layers, take or {}, offsets or {})
        points = discover(model, lambda rows: encode(model, rows, full(rows)), settings)
        self.config["offsets"] = centres_of(points)
        tokens, self.blank = spelling(model) if interface == "EncoderASR" else ([], 0)
        self.attach(model, points, tokens)

    def listen(
        self, waveform: Float[Tensor, "batch sample"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch state token"] | None:
        """Log-probabilities, the blank first, if it is one that has classes."""
        scores = encode(self.model, waveform, lengths)
        if not self.has_classes:
            return None
        if scores.shape[-1] != len(self.tokens) + 1:
            raise UserError(
                f"{self.config['source']}: {scores.shape[-1]} outputs, but its tokeniser has "
                f"{len(self.tokens) + 1} tokens; its classes cannot be used"
            )
        order = [self.blank, *(i for i in range(scores.shape[-1]) if i != self.blank)]
        return scores[..., order].log_softmax(-1)


def encode(model: Any, waveform: Tensor, lengths: Tensor) -> Tensor:
    """What speechbrain's encoder says; it is told lengths as a share of the longest."""
    model.device = str(waveform.device)  # it moves the sound to where it was made otherwise
    found: Tensor = model.encode_batch(waveform, lengths / lengths.max())
    return found


def pretrained(interface: str, source: str, savedir: str | None) -> Any:
    """A pretrained model from a folder, the cache or the hub, in eval mode.

    Raises:
        UserError: it cannot be had; says how.
    """
    from speechbrain.inference import ASR

    settle_lazy_modules()
    kept = savedir or str(cache_root() / "speechbrain" / source.strip("/").replace("/", "--"))
    try:
        load = getattr(ASR, interface).from_hparams
        model = load(source=source, savedir=kept, run_opts={"device": "cpu"})
    except Exception as error:
        raise UserError(
            f"{source}: not in {kept}, and it cannot be had ({reason_of(error)}); on a machine "
            f"with a network: hf download {source} --local-dir FOLDER, then source: FOLDER"
        ) from error
    settle_lazy_modules()  # a model's own file may have imported more
    return model.eval()


def spelling(model: Any) -> tuple[list[str], int]:
    """What each class but the blank spells, and which class is the blank.

    No classes where the model does not decode greedily.
    """
    decoding, tokeniser = model.hparams.decoding_function, model.tokenizer
    if not isinstance(decoding, functools.partial) or "blank_id" not in decoding.keywords:
        return [], 0
    blank = int(decoding.keywords["blank_id"])
    if hasattr(tokeniser, "ind2lab"):
        labels = {int(i): str(label) for i, label in tokeniser.ind2lab.items()}
        tokens = ["" if label.startswith("<") else label for _, label in sorted(labels.items())]
    else:
        count = tokeniser.vocab_size()
        special = [tokeniser.is_control(i) or tokeniser.is_unknown(i) for i in range(count)]
        pieces = [tokeniser.id_to_piece(i).replace(WORD_GAP, " ") for i in range(count)]
        tokens = ["" if gone else piece for gone, piece in zip(special, pieces, strict=True)]
    spelt = [token.lower() for i, token in enumerate(tokens) if i != blank]
    return spelt, blank
