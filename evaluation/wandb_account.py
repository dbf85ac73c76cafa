"""Whether the user has an account at Weights & Biases here, and wants it used."""

import netrc
import os
from urllib.parse import urlparse


def is_logged_in() -> bool:
    """Whether wandb would find a key for its server: in the environment or in the netrc file."""
    if os.environ.get("WANDB_API_KEY"):
        return True
    server = urlparse(os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai")).hostname or ""
    try:
        return netrc.netrc(os.environ.get("NETRC")).authenticators(server) is not None
    except (OSError, netrc.NetrcParseError):
        return False


def wants_offline() -> bool:
    """Whether a run stays on this disk: as `WANDB_MODE` says, else unless somebody is logged in."""
    wanted = os.environ.get("WANDB_MODE")
    return wanted != "online" if wanted else not is_logged_in()


def seconds_to_wait(what: str, otherwise: float) -> float:
    """How long to wait for the server; a ValueError for what is no number."""
    return float(os.environ.get(f"WANDB_{what}_TIMEOUT", otherwise))
