"""Small foreign networks: of torchaudio, Hugging Face and speechbrain, and toys."""

import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

from asr_models.adapter import Adapter
from asr_models.any_module import AnyModule
from asr_models.hugging_face import HuggingFaceCTC
from asr_models.speechbrain_asr import SpeechbrainASR
from asr_models.torchaudio_bundle import TorchaudioBundle
from asr_models.whisper import WhisperEncoder

SIZES = {
    "extractor_conv_layer_config": [(8, 10, 5)] + [(8, 3, 2)] * 4 + [(8, 2, 2)] * 2,
    "encoder_embed_dim": 16,
    "encoder_pos_conv_kernel": 16,
    "encoder_pos_conv_groups": 4,
    "encoder_num_layers": 2,
    "encoder_num_heads": 2,
    "encoder_ff_interm_features": 32,
}
HF_SIZES = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "conv_dim": [8] * 7,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
    "vocab_size": 5,
}
WHISPER_SIZES = {
    "d_model": 16,
    "encoder_layers": 2,
    "encoder_attention_heads": 2,
    "decoder_layers": 1,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 32,
    "decoder_ffn_dim": 32,
    "vocab_size": 20,
    "max_source_positions": 100,  # a window of 2 s
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "decoder_start_token_id": 1,
}
SPEECHBRAIN = """
sample_rate: 16000
encoder: !new:speechbrain.nnet.containers.LengthsCapableSequential
  features: !new:speechbrain.lobes.features.Fbank
    sample_rate: 16000
    n_mels: 8
  normalizer: !new:speechbrain.processing.features.InputNormalization
    norm_type: sentence
  cnn: !new:speechbrain.nnet.CNN.Conv1d
    input_shape: [null, null, 8]
    out_channels: 6
    kernel_size: 3
    stride: 2
  rnn: !new:speechbrain.nnet.RNN.LSTM
    input_shape: [null, null, 6]
    hidden_size: 5
    bidirectional: True
  out: !new:speechbrain.nnet.linear.Linear
    input_size: 10
    n_neurons: 4
modules:
  encoder: !ref <encoder>
tokenizer: !new:speechbrain.dataio.encoder.CTCTextEncoder
decoding_function: !name:speechbrain.decoders.ctc_greedy_decode
  blank_id: 0
model: !new:torch.nn.ModuleList
  - [!ref <encoder>]
pretrainer: !new:speechbrain.utils.parameter_transfer.Pretrainer
  loadables:
    model: !ref <model>
    tokenizer: !ref <tokenizer>
"""


class Toy(nn.Module):
    """Two convolutions without padding; what comes out of it is up to `kind`."""

    def __init__(self, kind: str = "plain", tokens: int = 3) -> None:
        super().__init__()
        self.fine = nn.Conv1d(1, 4, 400, 160)
        self.coarse = nn.Conv1d(4, 6, 2, 2)
        self.inner = Returns(kind)
        self.last = nn.Linear(6, tokens)
        self.spare = nn.Linear(1, 1)

    def forward(self, waveform: torch.Tensor, lengths: torch.Tensor | None = None) -> object:
        if self.inner.kind == "picky" and lengths is not None and len(lengths.unique()) > 1:
            raise RuntimeError("lengths differ")
        x = self.coarse(self.fine(waveform[:, None]).relu())
        self.inner(x)
        if self.inner.kind == "twice":
            self.inner(x)
        return {"scores": self.last(x.transpose(1, 2))}


class Returns(nn.Module):
    """Hands on states of shape (batch, width, state) in the ways that modules do."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind

    def forward(self, x: torch.Tensor) -> object:
        rows = x.transpose(1, 2)
        lengths = torch.full((len(rows),), rows.shape[1])
        return {
            "tuple": lambda: (rows, None),
            "dict": lambda: {"states": rows, "count": 3},
            "packed": lambda: pack_padded_sequence(rows, lengths, batch_first=True),
            "packed tuple": lambda: (pack_padded_sequence(rows, lengths, batch_first=True), None),
            "state first": lambda: rows.transpose(0, 1),
            "clumsy": lambda: {}["nothing"],
            "pooled": lambda: rows.mean(1, keepdim=True),
            "flat": lambda: rows.mean(2),
            "attention": lambda: rows @ x,
            "nan": lambda: rows.log(),
            "random": lambda: rows + torch.randn_like(rows),
            "detached": lambda: rows.detach(),
            "number": lambda: 3.0,
        }.get(self.kind, lambda: rows)()


@pytest.fixture(scope="module")
def toys() -> Iterator[Callable[..., AnyModule]]:
    """Makes an adapter around a toy, which it finds by its path as it would a user's module."""
    module = types.ModuleType("toy_networks")
    module.Toy = Toy  # type: ignore[attr-defined]
    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.setitem(sys.modules, "toy_networks", module)

    def make(kind: str = "plain", layers: list[str] | None = None, **more: object) -> AnyModule:
        torch.manual_seed(0)
        chosen = ["inner"] if layers is None else layers
        arguments = {"kind": kind}
        return AnyModule("toy_networks.Toy", chosen, arguments, **more)  # type: ignore[arg-type]

    yield make
    monkeypatch.undo()


@pytest.fixture(scope="session")
def speechbrain_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a download of a small speechbrain model would hold."""
    from hyperpyyaml import load_hyperpyyaml

    folder = tmp_path_factory.mktemp("speechbrain")
    (folder / "hyperparams.yaml").write_text(SPEECHBRAIN)
    torch.manual_seed(0)
    values = load_hyperpyyaml(SPEECHBRAIN)
    torch.save(values["model"].state_dict(), folder / "model.ckpt")
    values["tokenizer"].insert_blank(index=0)
    values["tokenizer"].update_from_iterable("ab ")
    values["tokenizer"].save(folder / "tokenizer.ckpt")
    return folder


KINDS = {
    "wav2vec2": lambda: TorchaudioBundle("WAV2VEC2_ASR_BASE_960H", sizes=SIZES),
    "hubert": lambda: TorchaudioBundle("HUBERT_LARGE", sizes=SIZES),
    "wavlm": lambda: TorchaudioBundle("WAVLM_BASE", sizes=SIZES),
    "hf-wav2vec2": lambda: HuggingFaceCTC(
        architecture={"model_type": "wav2vec2", **HF_SIZES}, vocabulary=["", "", "a", " ", "b"]
    ),
    "hf-hubert": lambda: HuggingFaceCTC(architecture={"model_type": "hubert", **HF_SIZES}),
    "hf-wavlm": lambda: HuggingFaceCTC(architecture={"model_type": "wavlm", **HF_SIZES}),
    "whisper": lambda: WhisperEncoder(architecture=WHISPER_SIZES),
}


@pytest.fixture(params=[*KINDS, "speechbrain", "toy"], scope="module")
def adapter(request, speechbrain_folder: Path, toys, tmp_path_factory) -> Adapter:
    """Every kind of adapter, of random weights; attached by the first test that asks for it."""
    torch.manual_seed(0)
    if request.param == "toy":
        return toys(layers=["fine", "coarse"], alphabet="ab", output="scores")
    if request.param == "speechbrain":
        layers, take = ["mods.encoder.cnn", "mods.encoder.rnn"], {"*.rnn": "0"}
        folder, kept = str(speechbrain_folder), str(tmp_path_factory.mktemp("kept"))
        return SpeechbrainASR(folder, layers, savedir=kept, take=take)
    if request.param.startswith(("hf", "whisper")):
        pytest.importorskip("transformers")
    return KINDS[request.param]()
