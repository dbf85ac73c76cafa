"""Adapters hear what the libraries' own code hears, and say what is missing offline."""

import json
import sys

import pytest
import torch
from torch import nn

from acoustics.errors import UserError
from asr_models.hugging_face import HuggingFaceCTC
from asr_models.speechbrain_asr import SpeechbrainASR
from asr_models.tap import LayerTap
from asr_models.torchaudio_bundle import TorchaudioBundle
from asr_models.wav2vec2_front import UtteranceGroupNorm
from asr_models.whisper import WhisperEncoder, WhisperMel

from .conftest import HF_SIZES, SIZES, WHISPER_SIZES


def test_a_norm_over_an_utterance_is_the_librarys_over_it_alone() -> None:
    torch.manual_seed(0)
    norm = nn.GroupNorm(6, 6)
    nn.init.normal_(norm.weight), nn.init.normal_(norm.bias)
    ours, rows, lengths = UtteranceGroupNorm(norm), torch.randn(3, 6, 40), [40, 7, 23]
    assert ours(rows).equal(norm(rows))
    ours.lengths = torch.tensor(lengths)
    found = ours(rows)
    for i, count in enumerate(lengths):
        torch.testing.assert_close(found[i : i + 1, :, :count], norm(rows[i : i + 1, :, :count]))


@pytest.mark.parametrize("bundle", ["WAV2VEC2_ASR_BASE_960H", "HUBERT_LARGE", "WAVLM_BASE"])
def test_layers_are_those_of_torchaudio(bundle: str, make_batch) -> None:
    """The bundle's own pass over the sound with its zeros gives the states, none moved."""
    torch.manual_seed(0)
    ours, batch = TorchaudioBundle(bundle, sizes=SIZES), make_batch([8000])
    sound, samples = ours.prepared(batch.waveform, batch.lengths)
    assert sound.shape[1] == int(samples) == 320 * 25 + 400
    theirs, _ = ours.model.extract_features(sound)
    states = LayerTap(ours)(batch.waveform, batch.lengths).states
    for i, wanted in enumerate(theirs, start=1):
        torch.testing.assert_close(states[f"transformer{i}"].values, wanted)
    x = sound[:, None]
    for i, block in enumerate(ours.model.feature_extractor.conv_layers, start=1):
        x, _ = block(x, None)
        found, surplus = states[f"cnn{i}"].values, ours.alignment.surplus[f"cnn{i}"]
        wanted = x.transpose(1, 2)[:, surplus : surplus + found.shape[1]]
        torch.testing.assert_close(found, wanted)


def test_a_waveform_is_normalised_by_itself_where_the_bundle_wants_it(make_batch) -> None:
    batch = make_batch([8000, 5000])
    batch.waveform[0] *= 7
    ours = TorchaudioBundle("HUBERT_LARGE", sizes=SIZES)
    sound, _ = ours.prepared(batch.waveform, batch.lengths)
    left = ours.alignment.left
    for row, length in zip(sound, batch.lengths.tolist(), strict=True):
        heard = row[left : left + length]
        assert abs(float(heard.mean())) < 1e-5
        assert float(heard.var(correction=0)) == pytest.approx(1, abs=1e-4)
        assert (row[:left] == 0).all() and (row[left + length :] == 0).all()
    plain = TorchaudioBundle("WAV2VEC2_BASE", sizes=SIZES)
    sound, _ = plain.prepared(batch.waveform, batch.lengths)
    assert sound[:, 120 : 120 + 8000].equal(batch.waveform)


def test_classes_of_a_bundle_are_its_labels() -> None:
    ours = TorchaudioBundle("WAV2VEC2_ASR_BASE_960H", sizes=SIZES)
    assert ours.tokens[:4] == (" ", "e", "t", "a") and len(ours.tokens) == 28
    log_probs = torch.full((1, 6, 29), -9.0)
    for step, token in enumerate((3, 3, 0, 3, 1, 2)):  # t t - t | e, counted behind the blank
        log_probs[0, step, token] = 0.0
    assert ours.spelt(log_probs, torch.tensor([6])) == ["tt e"]


def offline(*_: object, **__: object) -> None:
    raise OSError("network is unreachable")


def test_weights_that_cannot_be_downloaded_are_named(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr("torchaudio.pipelines._wav2vec2.utils.load_state_dict_from_url", offline)
    with pytest.raises(
        UserError, match=r"weights of WAVLM_BASE cannot be downloaded .*unreachable"
    ):
        TorchaudioBundle("WAVLM_BASE", pretrained=True)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    pytest.importorskip("transformers")
    monkeypatch.setattr("transformers.utils.hub.cached_files", offline)
    for kind in (HuggingFaceCTC, WhisperEncoder):
        with pytest.raises(UserError, match=r"nobody/nothing: .*hf download nobody/nothing"):
            kind("nobody/nothing")
    monkeypatch.setattr("speechbrain.inference.interfaces.fetch", offline)
    with pytest.raises(UserError, match=r"nobody/nothing: .*unreachable.*--local-dir"):
        SpeechbrainASR("nobody/nothing", ["*"], savedir=str(tmp_path))


def test_mistakes_are_named() -> None:
    with pytest.raises(UserError, match="bundle 'WAV2VEC9' is unknown; torchaudio has HUBERT_ASR"):
        TorchaudioBundle("WAV2VEC9")
    with pytest.raises(UserError, match="sizes: the weights of WAVLM_BASE have its own"):
        TorchaudioBundle("WAVLM_BASE", pretrained=True, sizes=SIZES)
    pytest.importorskip("transformers")
    with pytest.raises(UserError, match=r"sizes: .*'layers'; WAVLM_BASE has .*encoder_num_layers"):
        TorchaudioBundle("WAVLM_BASE", sizes={"layers": 3})
    with pytest.raises(UserError, match=r"give source .* or architecture"):
        HuggingFaceCTC()
    with pytest.raises(UserError, match="architecture: model_type is missing"):
        HuggingFaceCTC(architecture={"hidden_size": 4})
    with pytest.raises(UserError, match=r"architecture: .*len.config.conv_dim"):
        HuggingFaceCTC(architecture={"model_type": "sew", **HF_SIZES})
    sizes = {**HF_SIZES, "conv_dim": [8] * 13}
    with pytest.raises(UserError, match=r"architecture: .* divisible .*; give model_type"):
        WhisperEncoder(architecture={"d_model": 17, "encoder_attention_heads": 2})
    with pytest.raises(UserError, match="sew does not hear a waveform at one rate"):
        HuggingFaceCTC(architecture={"model_type": "sew", **sizes})


@pytest.fixture(scope="module")
def hub_folder(tmp_path_factory):
    """What a download of a small Hugging Face model would hold."""
    transformers = pytest.importorskip("transformers")
    folder = tmp_path_factory.mktemp("hub")
    tokens = ["<pad>", "<s>", "</s>", "<unk>", "|", "E", "T"]
    (folder / "vocab.json").write_text(json.dumps({t: i for i, t in enumerate(tokens)}))
    transformers.Wav2Vec2CTCTokenizer(str(folder / "vocab.json")).save_pretrained(folder)
    transformers.Wav2Vec2FeatureExtractor(do_normalize=False).save_pretrained(folder)
    torch.manual_seed(0)
    sizes = {**HF_SIZES, "vocab_size": len(tokens)}
    model = transformers.Wav2Vec2ForCTC(transformers.Wav2Vec2Config(**sizes, pad_token_id=0))
    model.save_pretrained(folder)
    return folder


def test_a_pretrained_model_brings_weights_vocabulary_and_its_normalisation(
    hub_folder, make_batch
) -> None:
    from transformers import Wav2Vec2ForCTC

    ours, batch = HuggingFaceCTC(str(hub_folder)), make_batch([8000])
    assert ours.tokens == ("", "", "", " ", "e", "t") and ours.alphabet == " et"
    assert ours.config["normalise"] is False
    theirs = Wav2Vec2ForCTC.from_pretrained(hub_folder).eval()
    sound, _ = ours.prepared(batch.waveform, batch.lengths)
    with torch.no_grad():
        logits = theirs(sound).logits
        log_probs, _ = ours(batch.waveform, batch.lengths)
    torch.testing.assert_close(log_probs, logits.log_softmax(-1), rtol=0, atol=1e-5)


def test_whispers_mel_is_its_own_extractors() -> None:
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    sound = 0.1 * torch.randn(3 * 16000)
    sound[20000:30000] *= 1e-5  # far below the loudest
    for bands in (80, 128):
        theirs = transformers.WhisperFeatureExtractor(feature_size=bands, chunk_length=4)
        wanted = theirs(sound.numpy(), sampling_rate=16000, return_tensors="pt").input_features
        found = WhisperMel(bands, 400)(nn.functional.pad(sound, (0, 16000))[None])
        torch.testing.assert_close(found, wanted, rtol=0, atol=2e-5)


def test_whispers_silence_is_heard_but_left_out(make_batch) -> None:
    pytest.importorskip("transformers")
    ours, batch = WhisperEncoder(architecture=WHISPER_SIZES), make_batch([8000, 4000])
    states = LayerTap(ours)(batch.waveform, batch.lengths).states
    assert states["cnn1"].lengths.tolist() == [51, 26]
    assert states["transformer2"].lengths.tolist() == [26, 13]
    assert states["transformer2"].values.shape == (2, 26, 16)
    with pytest.raises(UserError, match=r"2\.1 s is too long for Whisper, which hears 2 s"):
        ours(torch.zeros(1, 33600), torch.tensor([33600]))


def test_all_modules_can_be_asked_for_their_files_beside_speechbrain(
    speechbrain_folder, tmp_path
) -> None:
    """Hypothesis asks them; a lazy one would import k2 at that, which is not there."""
    SpeechbrainASR(str(speechbrain_folder), ["mods.encoder.cnn"], savedir=str(tmp_path))
    from speechbrain.utils.importutils import LazyModule

    lazy = [module for module in sys.modules.values() if isinstance(module, LazyModule)]
    assert lazy and all(module.__file__ is None for module in lazy)
