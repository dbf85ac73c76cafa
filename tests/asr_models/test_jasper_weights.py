"""Public weights of Jasper, by the names that NVIDIA's code gives them and not by our map."""

import io
import pickle
import tarfile
from pathlib import Path

import pytest
import torch
import yaml
from torch import Tensor
from torch.nn import functional

from acoustics.errors import UserError
from asr_models import jasper_weights
from asr_models.checkpoint import load_recogniser
from asr_models.jasper import PAPER, Jasper
from asr_models.jasper_checkpoint import LABELS
from asr_models.jasper_weights import load_public_jasper
from otoscope.cli import main

CHANNELS = [4, 4, 4, 6, 6, 4, 4, 5, 5, 7, 7, 8, 9]
KERNELS = PAPER["kernels"]
NARROW = {**PAPER, "widths": CHANNELS}
VOCABULARY = [" ", *"abcdefghijklmnopqrstuvwxyz", "'"]


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """The paper's Jasper in everything but its channels: 333 M weights are not for a test."""
    monkeypatch.setattr(jasper_weights, "PAPER", NARROW)


def random_weights(style: str) -> dict[str, Tensor]:
    """A state dict as the module trees of `dle2020`, `dle2019` and `nemo` write it."""
    generator, state = torch.Generator().manual_seed(5), {}
    blocks, conv, output, inside = {
        "dle2020": ("encoder.layers", "conv", "decoder.layers", ""),
        "dle2019": ("jasper_encoder.encoder", "conv", "jasper_decoder.decoder_layers", ""),
        "nemo": ("encoder.encoder", "mconv", "decoder.decoder_layers", ".conv"),
    }[style]

    def add(prefix: str, first: int, channels_in: int, channels: int, kernel: int) -> None:
        shape = (channels, channels_in, kernel)
        weight = torch.randn(shape, generator=generator) * (2 / (channels_in * kernel)) ** 0.5
        state[f"{prefix}.{first}{inside}.weight"] = weight
        norm = f"{prefix}.{first + 1}"
        for part in ("weight", "running_var"):
            state[f"{norm}.{part}"] = 0.5 + torch.rand(channels, generator=generator)
        for part in ("bias", "running_mean"):
            state[f"{norm}.{part}"] = 0.3 * torch.randn(channels, generator=generator)
        state[f"{norm}.num_batches_tracked"] = torch.tensor(1234)

    for i, (channels, kernel) in enumerate(zip(CHANNELS, KERNELS, strict=True)):
        dense = 1 <= i <= 10
        for j in range(5 if dense else 1):
            before = ([64, *CHANNELS][i]) if j == 0 else channels
            add(f"{blocks}.{i}.{conv}", 4 * j, before, channels, kernel)
        for k in range(i if dense else 0):
            add(f"{blocks}.{i}.res.{k}", 0, CHANNELS[k], channels, 1)
    state[f"{output}.0.weight"] = torch.randn(29, CHANNELS[-1], 1, generator=generator)
    state[f"{output}.0.bias"] = torch.randn(29, generator=generator)
    return state


def straightforward(state: dict[str, Tensor], x: Tensor) -> Tensor:
    """Log-probabilities `(state, label)` for `(mel, frame)`, from `dle2020` weights."""

    def conv_norm(x: Tensor, prefix: str, first: int, **how: int) -> Tensor:
        weight, norm = state[f"{prefix}.{first}.weight"], f"{prefix}.{first + 1}"
        how = {"padding": weight.shape[2] // 2} | how
        parts = (state[f"{norm}.{p}"] for p in ("running_mean", "running_var", "weight", "bias"))
        return functional.batch_norm(functional.conv1d(x, weight, **how), *parts, eps=1e-3)

    x = conv_norm(x[None], "encoder.layers.0.conv", 0, stride=2).relu()
    inputs = [x]
    for i in range(1, 11):
        for j in range(5):
            x = conv_norm(x, f"encoder.layers.{i}.conv", 4 * j)
            if j == 4:
                for k, given in enumerate(inputs):
                    x = x + conv_norm(given, f"encoder.layers.{i}.res.{k}", 0)
            x = x.relu()
        inputs.append(x)
    x = conv_norm(x, "encoder.layers.11.conv", 0, dilation=2, padding=28).relu()
    x = conv_norm(x, "encoder.layers.12.conv", 0).relu()
    x = functional.conv1d(x, state["decoder.layers.0.weight"], state["decoder.layers.0.bias"])
    return x[0].T.log_softmax(-1)


def archived(path: Path, members: dict[str, bytes], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def packed(value: object) -> bytes:
    torch.save(value, buffer := io.BytesIO())
    return buffer.getvalue()


def nemo_config(**preprocessor: object) -> dict[str, object]:
    return {
        "preprocessor": {"window_size": 0.02, "features": 64, "normalize": "per_feature"}
        | preprocessor,
        "decoder": {"feat_in": 1024, "num_classes": 28, "vocabulary": VOCABULARY},
    }


def nemo_file(path: Path, config: object = None, mode: str = "w", prefix: str = "./") -> Path:
    weights = random_weights("nemo") | {
        "preprocessor.featurizer.window": torch.ones(320),
        "preprocessor.featurizer.fb": torch.ones(1, 64, 257),
    }
    config = nemo_config() if config is None else config
    members = {"model_config.yaml": yaml.safe_dump(config).encode()}
    members["model_weights.ckpt"] = packed(weights)
    return archived(path, {f"{prefix}{name}": value for name, value in members.items()}, mode)


def write(style: str, folder: Path) -> Path:
    """A checkpoint file as each of NVIDIA's programs leaves it."""
    path = folder / "jasper"
    if style == "dle2020":
        other = {k: torch.zeros_like(v) for k, v in random_weights(style).items()}
        whole = {"epoch": 400, "best_wer": 3.1, "state_dict": other, "optimizer": {"state": {}}}
        torch.save(whole | {"ema_state_dict": random_weights(style), "amp": None}, path)
    elif style == "dle2019":
        state = random_weights(style)
        again = {f"acoustic_model.{key}": value for key, value in state.items()}
        heard = {"audio_preprocessor.featurizer.fb": torch.ones(1, 64, 257)}
        whole = {"state_dict": state | again | heard, "ema_state_dict": None}
        torch.save(whole, path)
    elif style == "lightning":
        torch.save({"state_dict": random_weights("nemo"), "global_step": 7}, path)
    elif style == "half":
        torch.save({k: v.half() for k, v in random_weights("nemo").items()}, path)
    else:
        nemo_file(path, mode="w:gz" if style == "nemo.gz" else "w")
    return path


@pytest.mark.parametrize("style", ["dle2020", "dle2019", "nemo", "nemo.gz", "lightning", "half"])
def test_a_public_checkpoint_computes_what_its_weights_say(style, make_batch, tmp_path) -> None:
    jasper, batch = load_public_jasper(write(style, tmp_path)), make_batch([16000])
    assert jasper.log_mel.config["floor"] == (1e-7 if style.startswith("dle") else 3e-6)
    features = jasper.frontend(batch.waveform, batch.lengths)[0][0, ..., 0]
    weights = random_weights("dle2020")
    if style == "half":
        weights = {key: value.half().float() for key, value in weights.items()}
    wanted = straightforward(weights, features)
    found, lengths = jasper(batch.waveform, batch.lengths)
    assert found.shape[1] == int(lengths) == len(wanted) == 51
    assert wanted.std(0).min() > 1e-3  # not saturated: every label moves
    for label, character in enumerate(VOCABULARY):  # theirs: the space first, the blank last
        token = 1 + jasper.alphabet.index(character)
        torch.testing.assert_close(found[0, :, token], wanted[:, label], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(found[0, :, 0], wanted[:, 28], rtol=1e-4, atol=1e-4)


def test_the_outputs_follow_the_vocabulary_of_the_file(make_batch, tmp_path) -> None:
    config = nemo_config()
    config["decoder"] = {"vocabulary": VOCABULARY[::-1]}
    turned = load_public_jasper(nemo_file(tmp_path / "turned.nemo", config))
    usual = load_public_jasper(nemo_file(tmp_path / "usual.nemo"))
    tokens = [1 + usual.alphabet.index(c) for c in VOCABULARY]
    assert turned.head.bias[tokens].equal(usual.head.bias[tokens[::-1]])
    assert turned.head.bias[0] == usual.head.bias[0]


def test_the_imported_recogniser_is_saved_like_any_other(tmp_path, capsys) -> None:
    file, folder = nemo_file(tmp_path / "jasper.nemo"), tmp_path / "recogniser"
    assert main(["asr", "import", "--from", str(file), "--output", str(folder)]) == 0
    assert capsys.readouterr().out.strip() == str(folder)
    again = load_recogniser(folder)
    assert again.weight_hash() == load_public_jasper(file).weight_hash()
    assert isinstance(again, Jasper) and not again.train().training


def test_an_output_that_is_a_file_is_one_line(tmp_path, capsys) -> None:
    file = tmp_path / "taken"
    file.write_text("")
    assert main(["asr", "import", "--from", str(file), "--output", str(file)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def refusal(path: Path) -> str:
    with pytest.raises(UserError) as error:
        load_public_jasper(path)
    message = str(error.value)
    assert "\n" not in message and message.startswith(str(path))
    return message


def test_names_that_do_not_fit_are_counted_and_the_first_is_given(tmp_path) -> None:
    state = random_weights("dle2020")
    for name in ("encoder.layers.3.res.1.0.weight", "encoder.layers.7.conv.17.bias"):
        del state[name]
    state |= {"encoder.layers.3.se.fc.weight": torch.ones(1), "extra": torch.ones(1)}
    state["decoder.layers.0.weight"] = torch.ones(33, CHANNELS[-1], 1)
    torch.save(state, tmp_path / "a.pt")
    assert refusal(tmp_path / "a.pt").endswith(
        "not the weights of this Jasper: "
        "2 names are missing (first encoder.layers.3.res.1.0.weight), "
        "2 are unknown (first encoder.layers.3.se.fc.weight), "
        "1 are of another shape (first decoder.layers.0.weight: (33, 9, 1) instead of (29, 9, 1))"
    )


def test_no_weight_changes_when_any_does_not_fit(tmp_path) -> None:
    jasper, state = Jasper(**NARROW), random_weights("dle2020")
    before = jasper.weight_hash()
    del state["decoder.layers.0.bias"]
    with pytest.raises(UserError, match="1 names are missing"):
        jasper_weights.copy_public_weights(jasper, state, LABELS, "here")
    assert jasper.weight_hash() == before


class Trap:
    """What a hostile pickle runs."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (Path.touch, (Path("sprung"),))


def test_a_pickle_that_would_run_something_is_refused(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"state_dict": Trap()}, tmp_path / "trap.pt")
    (tmp_path / "plain.pt").write_bytes(pickle.dumps(Trap()))
    for name in ("trap.pt", "plain.pt"):
        assert "no file of plain weights" in refusal(tmp_path / name)
    assert not (tmp_path / "sprung").exists()


def test_a_member_that_would_climb_out_is_not_even_read(tmp_path) -> None:
    place = tmp_path / "in"
    place.mkdir()
    weights = packed(random_weights("nemo"))
    config = yaml.safe_dump(nemo_config()).encode()
    climbing = {"model_config.yaml": config, "../model_weights.ckpt": weights}
    message = refusal(archived(place / "a.nemo", climbing))
    assert "there is no model_weights.ckpt in this archive" in message
    with tarfile.open(place / "b.nemo", "w") as archive:
        for name in ("model_config.yaml", "model_weights.ckpt"):
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
            archive.addfile(link)
    assert "there is no model_config.yaml" in refusal(place / "b.nemo")
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["a.nemo", "b.nemo", "in"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"preprocessor": {"window_size": 0.025}}, "window_size 0.025, but Jasper here hears 0.02"),
        ({"preprocessor": {"features": 80}}, "features 80"),
        ({"decoder": {"vocabulary": [*"abc"]}}, "its characters 'abc' are not those"),
    ],
)
def test_a_model_that_hears_or_spells_otherwise_is_refused(change, reason, tmp_path) -> None:
    path = nemo_file(tmp_path / "other.nemo", nemo_config() | change)
    assert reason in refusal(path)


def test_unreadable_files_are_one_line(tmp_path) -> None:
    assert "No such file" in refusal(tmp_path / "nothing.pt")
    assert "cannot be read" in refusal(tmp_path)
    (tmp_path / "text.pt").write_text("not weights")
    assert "no file of plain weights" in refusal(tmp_path / "text.pt")
    torch.save({"epoch": 3}, tmp_path / "empty.pt")
    assert "holds no state_dict" in refusal(tmp_path / "empty.pt")
    whole = nemo_file(tmp_path / "whole.nemo").read_bytes()
    (tmp_path / "half.nemo").write_bytes(whole[: len(whole) // 2])
    refusal(tmp_path / "half.nemo")
    (tmp_path / "half.gz").write_bytes(
        nemo_file(tmp_path / "gz.nemo", mode="w:gz").read_bytes()[:5000]
    )
    refusal(tmp_path / "half.gz")
    nemo_file(tmp_path / "odd.nemo", config=[1, 2])
    assert load_public_jasper(tmp_path / "odd.nemo").alphabet  # no settings: the public ones
