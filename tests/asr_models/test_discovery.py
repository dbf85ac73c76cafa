"""Networks of which nothing is known: what is found by running them, and what must be said."""

from fractions import Fraction
from pathlib import Path

import pytest
import torch
import torchaudio

from acoustics.errors import UserError
from acoustics.foreign_frames import Natural
from asr_models.any_module import AnyModule, makes_module
from asr_models.attachment import measured_timing
from asr_models.tap import LayerTap


def test_stride_width_and_centre_are_found(toys) -> None:
    """The toy's arithmetic: 400 samples 160 apart, then pairs of states."""
    points = toys(layers=["fine", "coarse", "inner"]).points
    assert [*points] == ["fine", "coarse", "inner"]  # in the order in which they run
    naturals = {name: point.natural for name, point in points.items()}
    assert naturals["fine"].stride == 160 and naturals["fine"].centre == Fraction(399, 2)
    assert naturals["coarse"].stride == 320 and naturals["coarse"].centre == Fraction(559, 2)
    assert naturals["inner"].centre == naturals["coarse"].centre
    assert [(p.time_axis, p.width) for p in points.values()] == [(2, 4), (2, 6), (1, 6)]
    for name, needs in (("fine", 400), ("coarse", 560)):
        assert needs <= naturals[name].needs < needs + naturals[name].stride


def test_globs_choose_modules_and_a_wrong_one_lists_what_there_is(toys) -> None:
    assert [*toys(layers=["*n*e*"]).layers] == ["fine", "inner"]
    for layers in (["encoder.*"], []):
        with pytest.raises(UserError, match=r"can be tapped at fine, coarse, inner, last$"):
            toys(layers=layers)


@pytest.mark.parametrize(
    ("kind", "what", "way_out"),
    [
        ("tuple", r"a tuple of \(a tensor .*, a NoneType\)", r"take: \{inner: '0'\}"),
        ("dict", "a dict with states, count", r"take: \{inner: 'states'\}"),
        ("packed", "a packed sequence", r"take: \{inner: 'packed'\}"),
        ("packed tuple", "a tuple of", r"take: \{inner: '0.packed'\}"),
        ("number", "a float", "tap another module"),
    ],
)
def test_what_is_no_tensor_is_refused_with_what_to_set(toys, kind, what, way_out) -> None:
    with pytest.raises(UserError, match=rf"inner returns {what}.*{way_out}"):
        toys(kind)


@pytest.mark.parametrize(
    ("kind", "take"),
    [
        ("tuple", "0"),
        ("dict", "states"),
        ("packed", "packed"),
        ("packed tuple", "0.packed"),
        ("state first", ""),
    ],
)
def test_what_is_set_as_advised_works(toys, kind, take, make_batch) -> None:
    batch = make_batch([8000, 5000])
    plain, other = (
        LayerTap(network.freeze())(batch.waveform, batch.lengths).states["inner"].values
        for network in (toys(), toys(kind, take={"in*": take}))
    )
    assert other.equal(plain)


def test_a_part_that_is_not_there_is_refused(toys) -> None:
    with pytest.raises(UserError, match=r"no part 'hidden'; set take: \{inner: 'states'\}"):
        toys("dict", take={"inner": "hidden"})
    with pytest.raises(UserError, match="its part '1' is a NoneType"):
        toys("tuple", take={"inner": "1"})


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("pooled", "no axis grows with the sound"),
        ("flat", r"\(batch, state, width\).* is wanted in some order"),
        (
            "attention",
            r"axes \[1, 2\] grow .*a state has one width; name another module",
        ),
    ],
)
def test_an_axis_of_time_that_cannot_be_found_is_asked_for(toys, kind, reason) -> None:
    with pytest.raises(UserError, match=reason):
        toys(kind)


def test_nan_is_refused(toys) -> None:
    with pytest.raises(UserError, match="layer 'inner' gives NaN or infinite values"):
        toys("nan")


def test_a_layer_without_gradient_is_refused(toys) -> None:
    with pytest.raises(UserError, match="layer 'inner' has no gradient towards the sound"):
        toys("detached")


def test_a_module_that_does_not_run_or_runs_twice_is_refused(toys) -> None:
    with pytest.raises(UserError, match="spare: not used when the network runs"):
        toys(layers=["spare"])
    with pytest.raises(UserError, match="inner: runs several times"):
        toys("twice")


def test_a_network_that_refuses_padded_batches_hears_one_by_one(toys, make_batch) -> None:
    network, batch = toys("picky", lengths="samples"), make_batch([8000, 5000])
    plain = toys()
    assert network.freeze().attachment.reason == "lengths differ" and not network.together
    assert network.attachment.values()["alone_vs_padded"] == {"inner": None}  # infinite
    found, wanted = (
        LayerTap(one)(batch.waveform, batch.lengths).states["inner"].values
        for one in (network, plain)
    )
    torch.testing.assert_close(found, wanted)


def test_a_network_with_chance_in_it_is_refused(toys) -> None:
    with pytest.raises(UserError, match="the same sound gives other states"):
        toys("random").freeze()


def test_a_wrong_offset_is_found_out(toys) -> None:
    good = toys(offsets={"inner": 279.5})
    assert measured_timing(good)["inner"].measured_offset == pytest.approx(79.5, abs=81)
    with pytest.raises(UserError, match=r"layer 'inner' is declared with .*; set offsets"):
        toys(offsets={"inner": 1500.0}).freeze()


def test_a_network_that_is_no_network_is_refused() -> None:
    for module in ("torch.nn.NoSuch", "no_such_package.Thing", "collections.Counter"):
        with pytest.raises(UserError, match=f"module: {module} "):
            AnyModule(module, ["*"])
    with pytest.raises(UserError, match="cannot hear a waveform of shape"):
        AnyModule("torch.nn.Linear", ["*"], {"in_features": 3, "out_features": 2})
    with pytest.raises(UserError, match="Linear cannot be made"):
        AnyModule("torch.nn.Linear", ["*"], {"in_features": -3, "out_features": 2})


def test_whatever_a_network_raises_is_one_line(toys) -> None:
    with pytest.raises(UserError, match=r"cannot hear a waveform .*'nothing'.*; wrap it"):
        toys("clumsy")


def test_what_does_not_make_a_network_is_not_even_called(tmp_path) -> None:
    """A card or a YAML file may come from somebody else."""
    made = tmp_path / "made"
    for module, arguments in (
        ("os.mkdir", {"path": str(made)}),
        ("os.makedirs", {"name": str(made)}),
        ("pathlib.Path", {}),
    ):
        with pytest.raises(UserError, match=f"module: {module} is neither a torch module nor"):
            AnyModule(module, ["*"], arguments)
    assert not made.exists()


def test_a_function_that_says_it_makes_a_network_may() -> None:
    assert makes_module(torchaudio.models.wav2vec2_base) and makes_module(torch.nn.GRU)
    assert not makes_module(torch.hub.load) and not makes_module(torch.zeros)


def test_a_library_network_with_a_channel_axis_is_heard(make_batch) -> None:
    """torchaudio's Wav2Letter: convolutions that pad for themselves, stride 160 and then 320."""
    torch.manual_seed(0)
    arguments = {"num_classes": 4, "input_type": "waveform", "num_features": 1}
    layers = ["acoustic_model.0.1", "acoustic_model.1.1"]
    network = AnyModule("torchaudio.models.Wav2Letter", layers, arguments, channel_axis=True)
    assert [layer.timing.stride for layer in network.layers.values()] == [160, 320]
    assert [layer.width for layer in network.layers.values()] == [250, 250]
    batch = make_batch([8000])
    for states in LayerTap(network)(batch.waveform, batch.lengths).states.values():
        assert torch.isfinite(states.values).all()


def test_an_alphabet_of_the_wrong_size_is_refused(toys, make_batch) -> None:
    batch = make_batch([8000])
    with pytest.raises(
        UserError, match=r"alphabet: 5 characters and the blank want .* \(1, \d+, 3"
    ):
        toys(alphabet="abcde", output="scores")(batch.waveform, batch.lengths)


def test_weights_come_from_a_file(toys, tmp_path) -> None:
    donor = toys()
    torch.save(donor.model.state_dict(), tmp_path / "weights.pt")
    torch.manual_seed(5)
    assert toys(weights=str(tmp_path / "weights.pt")).weight_hash() == donor.weight_hash()
    (tmp_path / "bad.pt").write_bytes(b"no state")
    torch.save({"code": Path}, tmp_path / "code.pt")
    with pytest.raises(UserError, match=r"code.pt cannot be loaded: .* code in it is not run"):
        toys(weights=str(tmp_path / "code.pt"))
    for name in ("bad.pt", "none.safetensors"):
        with pytest.raises(UserError, match=f"weights: .*{name} cannot be loaded"):
            toys(weights=str(tmp_path / name))


def test_natural_timing_of_a_convolution() -> None:
    assert Natural(160, Fraction(399, 2), 400).convolved(2, 2) == Natural(
        320, Fraction(559, 2), 560
    )
