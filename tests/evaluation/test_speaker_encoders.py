"""The two verifiers of the paper: batch mates without effect, losses against their formulas."""

import math

import pytest
import torch

from evaluation.verifiers.encoder import SpeakerEncoder
from evaluation.verifiers.ge2e import GE2ELSTM, GE2ELoss, similarities, windows
from evaluation.verifiers.margin import MarginLoss
from evaluation.verifiers.thin_resnet import Bottleneck, GhostVLAD, ThinResNet, pooled


@pytest.fixture(params=["ge2e", "thin_resnet"])
def encoder(request) -> SpeakerEncoder:
    torch.manual_seed(0)
    made: SpeakerEncoder = (
        GE2ELSTM(hidden=12, projection=0, width=8, n_mels=20)
        if request.param == "ge2e"
        else ThinResNet((4, 6, 8, 8, 12), clusters=3, ghosts=1, width=8)
    )
    return made.eval()


@torch.no_grad()
def test_a_vector_does_not_depend_on_its_batch_mates(encoder, make_batch) -> None:
    batch = make_batch([40000, 25601, 8000, 1600])
    together = encoder.embed(batch.waveform, batch.lengths)
    assert together.shape == (4, encoder.width)
    torch.testing.assert_close(together.norm(dim=1), torch.ones(4))
    for i, count in enumerate(batch.lengths.tolist()):
        alone = encoder.embed(batch.waveform[i : i + 1, :count], batch.lengths[i : i + 1])[0]
        torch.testing.assert_close(alone, together[i], rtol=0, atol=1e-5)


@torch.no_grad()
def test_loudness_changes_nothing(encoder, make_batch) -> None:
    batch = make_batch([16000])
    quiet = encoder.embed(0.5 * batch.waveform, batch.lengths)
    assert (quiet * encoder.embed(batch.waveform, batch.lengths)).sum() > 0.99


@pytest.mark.parametrize("shape", [(2, 3, 6, 8), (2, 3, 7, 9), (1, 1, 1, 1), (1, 2, 1, 4)])
@pytest.mark.parametrize(("dims", "kernel"), [((3, 2), (2, 2)), ((3,), (1, 2))])
def test_pooling_without_a_gradient_is_the_same(shape, dims, kernel) -> None:
    x = torch.randn(shape)
    wanted = torch.nn.functional.max_pool2d(x, kernel, ceil_mode=True)
    assert pooled(x, *dims).equal(wanted)
    assert pooled(x.requires_grad_(), *dims).equal(wanted)


def test_windows_overlap_by_half_and_the_last_one_ends_with_the_utterance() -> None:
    owner, first = windows(torch.tensor([100, 160, 161, 400]))
    assert owner.tolist() == [0, 1, 2, 2, 3, 3, 3, 3]
    assert first.tolist() == [0, 0, 0, 1, 0, 80, 160, 240]


@torch.no_grad()
def test_an_utterance_is_the_mean_over_its_windows(make_batch) -> None:
    torch.manual_seed(0)
    encoder = GE2ELSTM(hidden=12, projection=6, width=8, n_mels=20).eval()
    batch = make_batch([160 * 239])  # 240 frames: windows at 0 and 80
    mel, _ = encoder._frames(batch.waveform, batch.lengths)
    count = torch.tensor([160])
    parts = [encoder._vectors(mel[:, start : start + 160], count)[0] for start in (0, 80)]
    wanted = torch.nn.functional.normalize(torch.stack(parts).mean(0), dim=0)
    torch.testing.assert_close(encoder.embed(batch.waveform, batch.lengths)[0], wanted)


def test_ge2e_loss_is_that_of_the_paper() -> None:
    """Equations 5, 6, 8 and 9, one utterance at a time."""
    torch.manual_seed(0)
    e = torch.nn.functional.normalize(torch.randn(3, 4, 5), dim=-1)
    loss, total = GE2ELoss(scale=7.0, offset=-2.0), 0.0
    for j in range(3):
        for i in range(4):
            logits = []
            for k in range(3):
                members = [e[k, m] for m in range(4) if k != j or m != i]
                centroid = torch.stack(members).mean(0)
                logits.append(7.0 * float(torch.cosine_similarity(e[j, i], centroid, 0)) - 2.0)
            total += math.log(sum(map(math.exp, logits))) - logits[j]
    assert float(loss(e, torch.arange(3))) == pytest.approx(total / 12, rel=1e-5)
    with pytest.raises(ValueError, match="two utterances"):
        similarities(e[:, :1])


def test_a_margin_handicaps_the_true_speaker_only() -> None:
    loss = MarginLoss(n_speakers=3, width=2, scale=10.0, margin=0.2)
    loss.weight.data = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
    found = loss(torch.tensor([[[2.0, 0.0]]]), torch.tensor([0]))
    logits = [10 * (1 - 0.2), 0.0, -10.0]
    assert float(found) == pytest.approx(math.log(sum(map(math.exp, logits))) - logits[0], rel=1e-3)


def test_vlad_sums_residuals_of_valid_frames_and_leaves_ghosts_out() -> None:
    vlad = GhostVLAD(width=2, clusters=1, ghosts=1)
    torch.nn.init.zeros_(vlad.assign.weight)
    vlad.assign.bias.data = torch.tensor([math.log(3.0), 0.0])  # 3/4 to the cluster, 1/4 lost
    vlad.centres.data = torch.tensor([[1.0, 1.0]])
    x = torch.tensor([[[2.0, 1.0], [1.0, 5.0], [9.0, 9.0]]])
    found = vlad(x, torch.tensor([2]))
    residual = 0.75 * torch.tensor([2 + 1 - 2.0, 1 + 5 - 2.0])
    torch.testing.assert_close(found[0], residual / residual.norm())


@pytest.mark.parametrize(
    ("channels", "middles"),
    [
        ((64, 96, 128, 256, 512), (48, 96, 128, 256)),
        ((12, 16, 24, 32, 64), (8, 16, 24, 32)),
        ((1, 1, 2, 2, 2), (1, 1, 2, 2)),
    ],
)
def test_thin_resnet_has_the_stages_of_the_papers_table_1(channels, middles) -> None:
    """Xie et al. 2019: 2, 3, 3 and 3 blocks; the first of a later stage halves the picture."""
    blocks = list(ThinResNet(channels, width=4).blocks)
    stages = [stage for stage, count in enumerate((2, 3, 3, 3)) for _ in range(count)]
    assert len(blocks) == len(stages)
    for place, (block, stage) in enumerate(zip(blocks, stages, strict=True)):
        assert isinstance(block, Bottleneck)
        halves = place > 0 and stages[place - 1] < stage
        before = channels[stage] if place == 0 or halves else channels[stage + 1]
        shapes = [tuple(conv.weight.shape) for conv in (block.reduce, block.conv, block.expand)]
        middle, after = middles[stage], channels[stage + 1]
        assert shapes == [(middle, before, 1, 1), (middle, middle, 3, 3), (after, middle, 1, 1)]
        assert block.reduce.stride == ((2, 2) if halves else (1, 1))
