"""GE2E speaker verification (Wan et al. 2018, arXiv:1710.10467): the LSTM and its loss."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from acoustics.frames import valid_mask
from acoustics.mel import LogMel
from evaluation.verifiers.encoder import SpeakerEncoder

WINDOW_FRAMES, STEP_FRAMES = 160, 80  # sliding windows of 1.6 s, half overlapped (section 3.2)


class GE2ELSTM(SpeakerEncoder):
    """3 LSTM layers on log-mel, a linear layer on the last state, unit length (section 2.1).

    An utterance's vector is the mean over windows of 1.6 s, each brought to unit length first
    (section 3.2). The paper's LSTM has 768 units projected to 256; `projection` says so to
    PyTorch's LSTM.

    Args:
        hidden: units of each LSTM layer.
        projection: recurrent projection of each layer, 0 for none.
        width: length of a vector.
        n_mels: mel bands.
        num_layers: LSTM layers.
    """

    name = "ge2e_lstm"

    def __init__(
        self,
        hidden: int = 768,
        projection: int = 256,
        width: int = 256,
        n_mels: int = 40,
        num_layers: int = 3,
    ) -> None:
        super().__init__()
        self.config = {
            "hidden": hidden,
            "projection": projection,
            "width": width,
            "n_mels": n_mels,
            "num_layers": num_layers,
        }
        self.width = width
        self.log_mel = LogMel(self.sample_rate, n_mels)
        self.lstm = nn.LSTM(n_mels, hidden, num_layers, batch_first=True, proj_size=projection)
        self.linear = nn.Linear(projection or hidden, width)

    def forward(
        self, waveform: Float[Tensor, "batch sample"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch embedding"]:
        """Unit vectors of crops, from the state after the last frame of each."""
        return self._vectors(*self._frames(waveform, lengths))

    def embed(
        self, waveform: Float[Tensor, "batch sample"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch embedding"]:
        """Unit vectors of whole utterances: the mean over their windows."""
        mel, frames = self._frames(waveform, lengths)
        owner, first = windows(frames)
        inside = torch.arange(min(WINDOW_FRAMES, mel.shape[1]), device=mel.device)
        at = (first[:, None] + inside).clamp(max=mel.shape[1] - 1)
        count = frames[owner].clamp(max=WINDOW_FRAMES)
        vectors = self._vectors(mel[owner[:, None], at], count)
        total = vectors.new_zeros(len(mel), self.width).index_add(0, owner, vectors)
        return functional.normalize(total, dim=-1)

    def _frames(self, waveform: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Log-mel without the utterance's own level, and valid frames."""
        mel, frames = self.log_mel(waveform, lengths)
        mask = valid_mask(frames, mel.shape[1])[..., None]
        count = (frames * mel.shape[2])[:, None, None]
        mean = (mel * mask).sum((1, 2), keepdim=True) / count
        return (mel - mean) * mask, frames

    def _vectors(self, mel: Tensor, frames: Tensor) -> Tensor:
        states = self.lstm(mel)[0]
        last = states[torch.arange(len(states), device=states.device), frames - 1]
        return functional.normalize(self.linear(last), dim=-1)


def windows(
    frames: Int[Tensor, " batch"],
) -> tuple[Int[Tensor, " window"], Int[Tensor, " window"]]:
    """Whose each window is and where it begins; the last one ends with its utterance.

    Args:
        frames: of each utterance; one shorter than a window is a window by itself.
    """
    owner: list[int] = []
    first: list[int] = []
    for i, count in enumerate(frames.tolist()):
        end = max(0, count - WINDOW_FRAMES)
        starts = [*range(0, end, STEP_FRAMES), end]
        owner += [i] * len(starts)
        first += starts
    return torch.tensor(owner, device=frames.device), torch.tensor(first, device=frames.device)


class GE2ELoss(nn.Module):
    """The generalised end-to-end softmax loss (section 2.1, equations 5, 6 and 8).

    Each utterance is drawn to the centroid of its speaker's *other* utterances and away from those
    of all other speakers.

    Args:
        scale, offset: where the learnt similarity `scale * cosine + offset` starts.
    """

    def __init__(self, scale: float = 10.0, offset: float = -5.0) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(scale))
        self.offset = nn.Parameter(torch.tensor(offset))

    def forward(
        self,
        embeddings: Float[Tensor, "speaker utterance embedding"],
        speakers: Int[Tensor, " speaker"],
    ) -> Float[Tensor, ""]:
        """Mean loss over the utterances of a batch; which speakers they are does not matter."""
        cosine = similarities(embeddings)
        logits = self.scale.clamp(min=1e-6) * cosine + self.offset
        target = torch.arange(len(embeddings), device=embeddings.device)
        return functional.cross_entropy(
            logits.flatten(0, 1), target.repeat_interleave(embeddings.shape[1])
        )


def similarities(
    embeddings: Float[Tensor, "speaker utterance embedding"],
) -> Float[Tensor, "speaker utterance centroid"]:
    """Cosine of each utterance with each speaker's centroid, its own one without itself.

    Raises:
        ValueError: a speaker has a single utterance, so nothing is left without it.
    """
    count = embeddings.shape[1]
    if count < 2:
        raise ValueError("GE2E needs at least two utterances of each speaker in a batch")
    total = embeddings.sum(1)
    centroids = functional.normalize(total, dim=-1)
    others = functional.normalize(total[:, None] - embeddings, dim=-1)
    unit = functional.normalize(embeddings, dim=-1)
    cosine = unit @ centroids.T
    own = torch.eye(len(embeddings), dtype=torch.bool, device=embeddings.device)[:, None]
    return torch.where(own, (unit * others).sum(-1, keepdim=True), cosine)
