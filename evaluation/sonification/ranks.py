"""What several processes know, put together; alone, what one knows."""

import json

import torch
from jaxtyping import Int
from torch import Tensor
from torch.distributed import is_available, is_initialized
from torchmetrics.utilities.distributed import gather_all_tensors


def summed(counts: Int[Tensor, " number"]) -> Int[Tensor, " number"]:
    """Sum over processes."""
    return torch.stack(_gathered(counts)).sum(0)


def united(notes: dict[str, str], device: torch.device) -> dict[str, str]:
    """The notes of all processes, where two have the same key the later one's.

    Args:
        notes: of this process.
        device: on which the processes can talk to each other.
    """
    written = torch.tensor(list(json.dumps(notes).encode()), dtype=torch.uint8, device=device)
    parts = [json.loads(bytes(part.tolist())) for part in _gathered(written)]
    return {key: text for part in parts for key, text in part.items()}


def _gathered(values: Tensor) -> list[Tensor]:
    if not (is_available() and is_initialized()):
        return [values]
    return gather_all_tensors(values)
