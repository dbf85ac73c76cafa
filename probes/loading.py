"""Saved probes, rebuilt as they were trained."""

import json
from pathlib import Path

from acoustics.errors import UserError
from asr_models.recogniser import Recogniser
from probes.bank import ProbeBank
from probes.checkpoint import CARD, load_bank_weights


def load_bank(folder: str | Path, recogniser: Recogniser) -> ProbeBank:
    """Rebuild a saved bank of probes, in eval mode; layers and shape are those of its card.

    Args:
        folder: such as `runs/embedded/probes/baseline`.
        recogniser: whose states they were trained on.

    Raises:
        UserError: the folder holds no probes, or those of another recogniser.

    Example:
        >>> recogniser = load_recogniser("runs/embedded/recognisers/baseline")  # doctest: +SKIP
        >>> bank = load_bank("runs/embedded/probes/baseline", recogniser)  # doctest: +SKIP
    """
    place = Path(folder)
    try:
        card = json.loads((place / CARD).read_text())
        shape = {**card["probe"], "n_mels": card["mel"]["n_mels"], "layers": card["layers"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{place}: no saved probes here ({error}); train them first") from error
    bank = ProbeBank(recogniser, **shape)
    load_bank_weights(bank, place)
    return bank.eval()
