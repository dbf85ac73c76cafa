"""Probe banks on disk: the probes alone, and a card that says what they belong to."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from acoustics.errors import UserError
from asr_models.storage import describe

if TYPE_CHECKING:
    from probes.bank import ProbeBank

WEIGHTS, CARD = "probes.safetensors", "probes.json"


def bank_card(bank: "ProbeBank") -> dict[str, Any]:
    """What identifies a bank: recogniser, mel target, layers and shape of the probes."""
    return {
        "recogniser": describe(bank.recogniser),
        "mel": dict(bank.log_mel.config),
        "layers": bank.tap.names,
        "probe": {
            "body": bank.body,
            "hidden": bank.hidden,
            "highway_layers": bank.highway_layers,
        },
    }


def check_card(stored: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Refuse probes that were trained for something else.

    Raises:
        UserError: names the first part that differs.
    """
    for part, value in wanted.items():
        if stored.get(part) == value:
            continue
        if part == "recogniser":
            theirs = stored.get(part, {}).get("weight_hash", "unknown")
            detail = f"weights {theirs}, but this recogniser has {value['weight_hash']}"
        else:
            detail = f"{part} {stored.get(part)}, but here it is {value}"
        raise UserError(
            f"these probes were trained for another {part}: {detail}; "
            "give the matching checkpoint or train the probes again"
        )


def save_bank(bank: "ProbeBank", folder: Path) -> None:
    """Write the probes and their card into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {k: v.detach().cpu().contiguous() for k, v in bank.state_dict().items()}
    save_file(weights, folder / WEIGHTS)
    (folder / CARD).write_text(json.dumps(bank_card(bank), indent=2) + "\n")


def load_bank_weights(bank: "ProbeBank", folder: Path) -> None:
    """Load probes into `bank`, which must be built for the same recogniser and layers.

    Raises:
        UserError: the folder holds no probes, or those of another recogniser.
    """
    try:
        card = json.loads((folder / CARD).read_text())
        weights = load_file(folder / WEIGHTS)
    except (FileNotFoundError, json.JSONDecodeError, SafetensorError) as error:
        raise UserError(f"{folder}: no saved probes here ({error}); train them first") from error
    check_card(card, bank_card(bank))
    bank.load_state_dict(weights, strict=False)
