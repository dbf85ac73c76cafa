"""MFCC: torchaudio's numbers, and an inverse that is the nearest spectrogram."""

import math

import pytest
import torch
import torchaudio

from acoustics.errors import UserError
from acoustics.mel import LogMel
from acoustics.mfcc import MFCC


def test_coefficients_are_torchaudios_but_for_the_logarithm(make_batch) -> None:
    batch, log_mel = make_batch([8000]), LogMel(n_mels=40, floor=1e-5)
    settings = {"n_fft": 512, "win_length": 400, "hop_length": 160, "n_mels": 40}
    theirs = torchaudio.transforms.MFCC(
        n_mfcc=26, melkwargs=settings | {"power": 1.0, "pad_mode": "constant"}
    )
    theirs.amplitude_to_DB = torchaudio.transforms.AmplitudeToDB("magnitude", top_db=None)
    found = MFCC(40, 26)(log_mel(batch.waveform, batch.lengths)[0]) * 20 / math.log(10)
    torch.testing.assert_close(found, theirs(batch.waveform).transpose(1, 2), rtol=1e-3, atol=0.02)


def test_all_coefficients_give_the_log_mel_back() -> None:
    mel = torch.randn(2, 7, 40)
    mfcc = MFCC(40, 40)
    torch.testing.assert_close(mfcc.inverse(mfcc(mel)), mel, rtol=0, atol=1e-4)


def test_the_inverse_is_the_nearest_log_mel_that_some_coefficients_allow() -> None:
    """What is left is orthogonal to everything the coefficients can say, which they keep."""
    mel, mfcc = torch.randn(2, 7, 40), MFCC(40, 13)
    nearest = mfcc.inverse(mfcc(mel))
    torch.testing.assert_close(mfcc(mel - nearest), torch.zeros(2, 7, 13), rtol=0, atol=1e-4)
    torch.testing.assert_close(mfcc(nearest), mfcc(mel), rtol=0, atol=1e-4)


@pytest.mark.parametrize("count", [0, 41])
def test_more_coefficients_than_bands_are_refused(count: int) -> None:
    with pytest.raises(UserError, match=f"n_mfcc is {count}: 40 bands have 1 to 40"):
        MFCC(40, count)
