"""`MFCC`: cepstral coefficients of a log-mel spectrogram, and back."""

from jaxtyping import Float
from torch import Tensor, nn
from torchaudio.functional import create_dct

from acoustics.errors import UserError


class MFCC(nn.Module):
    """The first cosine coefficients of every log-mel frame (orthonormal DCT-II).

    Coefficients of a natural logarithm; those of a logarithm in dB are `20 / ln(10)` times as
    large (`10 / ln(10)` where the log-mel is of powers).

    Args:
        n_mels: bands of the log-mel.
        n_mfcc: coefficients to keep; with all `n_mels` of them the inverse is exact.

    Raises:
        UserError: there are not that many coefficients.

    Example:
        >>> mfcc = MFCC(n_mels=40, n_mfcc=26)
        >>> tuple(mfcc(torch.zeros(1, 11, 40)).shape)
        (1, 11, 26)
    """

    cosines: Tensor

    def __init__(self, n_mels: int, n_mfcc: int) -> None:
        super().__init__()
        if not 0 < n_mfcc <= n_mels:
            raise UserError(f"n_mfcc is {n_mfcc}: {n_mels} bands have 1 to {n_mels} coefficients")
        self.register_buffer("cosines", create_dct(n_mfcc, n_mels, norm="ortho"), persistent=False)

    def forward(
        self, mel: Float[Tensor, "batch frame mel"]
    ) -> Float[Tensor, "batch frame coefficient"]:
        """Coefficients `(batch, frame, coefficient)`."""
        return mel @ self.cosines

    def inverse(
        self, coefficients: Float[Tensor, "batch frame coefficient"]
    ) -> Float[Tensor, "batch frame mel"]:
        """The log-mel with these coefficients and zeros for the others: nearest, and smoothest."""
        return coefficients @ self.cosines.T
