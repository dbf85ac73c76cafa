"""What an atlas may hold: the schema behind the options of `otoscope report`."""

from dataclasses import dataclass
from typing import Literal

from acoustics.errors import UserError

SoundFormat = Literal["flac", "mp3"]


@dataclass(frozen=True)
class AtlasSettings:
    """How large an atlas may be, and how it sounds.

    Attributes:
        max_megabytes: of the whole site. What matters most comes first: samples, masks, voices of
            words, audiations, then segments of the corpus by rank; what does not fit is counted.
        sound: `flac` is lossless; `mp3` takes less than half.
        clips: segments of each feature that can be played, the strongest first; of words and
            phones five at most, of longer runs of phones none.

    Raises:
        UserError: a number is below what is possible.
    """

    max_megabytes: float = 400.0
    sound: SoundFormat = "flac"
    clips: int = 20

    def __post_init__(self) -> None:
        if not self.max_megabytes > 0:
            raise UserError(f"max_megabytes is {self.max_megabytes}; it must be above 0")
        if self.clips < 0:
            raise UserError(f"clips is {self.clips}; it must be 0 or more")
