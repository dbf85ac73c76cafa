"""Characters to tokens and back, and that a recogniser learns."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from lightning import LightningDataModule
from torch.utils.data import DataLoader

from acoustics.errors import UserError
from asr_models.ctc import CTCModule
from asr_models.decoding import encode, encode_batch, greedy_decode, pieced
from asr_models.schedule import warmup_cosine
from asr_models.vgg_lstm import VGGLSTM
from corpora.batch import SpeechBatch

LETTERS = "abc "


def path(tokens: list[int]) -> torch.Tensor:
    return torch.nn.functional.one_hot(torch.tensor([tokens]), len(LETTERS) + 1).float().log()


@given(st.text(LETTERS, max_size=20))
def test_decoding_undoes_encoding(text: str) -> None:
    spaced = [token for letter in encode(text, LETTERS) for token in (letter, letter, 0)] or [0]
    assert greedy_decode(path(spaced), torch.tensor([len(spaced)]), LETTERS) == [text]


@pytest.mark.parametrize(
    ("tokens", "text"),
    [
        ([1, 1, 1], "a"),
        ([1, 0, 1], "aa"),
        ([0, 0], ""),
        ([0, 2, 2, 0, 4, 1], "b a"),
        ([3, 1], "ca"),
    ],
)
def test_repeats_merge_unless_a_blank_stands_between(tokens, text) -> None:
    assert greedy_decode(path(tokens), torch.tensor([len(tokens)]), LETTERS) == [text]


def test_states_beyond_an_utterance_are_not_read() -> None:
    assert greedy_decode(path([1, 2, 3]), torch.tensor([2]), LETTERS) == ["ab"]


def test_a_character_outside_the_alphabet_is_named() -> None:
    with pytest.raises(UserError, match=r"characters 'xz' in 'axz' are outside the alphabet"):
        encode("axz", LETTERS)


def test_texts_go_to_ctc_as_one_row() -> None:
    tokens, counts = encode_batch(["ab", "", "c"], LETTERS)
    assert (tokens.tolist(), counts.tolist()) == ([1, 2, 3], [2, 0, 1])


def test_the_schedule_rises_to_its_peak_and_falls_to_zero() -> None:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=2.0)
    schedule, rates = warmup_cosine(optimizer, 100, warmup_fraction=0.1), []
    for _ in range(101):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    assert max(rates) == rates[9] == 2.0
    assert rates[:10] == sorted(rates[:10])
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[100] == 0


def test_a_recogniser_learns_and_skips_batches_without_speech(
    make_batch, list_data, trainer
) -> None:
    torch.manual_seed(0)
    batch = make_batch([8000, 8000], seed=1)
    batch.texts = ["ab", "ba"]
    nothing = make_batch([160])
    nothing.ids, nothing.waveform, nothing.lengths = [], torch.zeros(0, 0), torch.zeros(0).long()
    module = CTCModule(VGGLSTM(channels=(4, 4, 6, 6), hidden=8), learning_rate=1e-2)
    trained = trainer(max_steps=12, max_epochs=-1, gradient_clip_val=5.0)
    first = math.inf
    module.train()
    with torch.no_grad():
        first = float(module.training_step(batch, 0))
    trained.fit(module, datamodule=list_data([batch, nothing] * 6))
    assert float(trained.callback_metrics["train/loss"]) < 0.5 * first
    scores = trained.test(module, datamodule=list_data([batch, nothing]), verbose=False)[0]
    assert {name.partition("/dataloader")[0] for name in scores} == {
        "test/loss",
        "test/wer",
        "test/cer",
    }


class TwoConditions(LightningDataModule):
    """The same speech twice: with its own transcript, and with one that nothing has in common."""

    conditions = ("clean", "snr0")

    def __init__(self, batches: list[SpeechBatch]) -> None:
        super().__init__()
        self.batches = batches

    def test_dataloader(self) -> list[DataLoader]:
        return [DataLoader([batch], batch_size=None) for batch in self.batches]  # type: ignore[arg-type]


def test_every_condition_has_errors_of_its_own(make_batch, tiny_recogniser, trainer) -> None:
    """Not those of the conditions before it added in; a foreign transcript costs itself only."""
    recogniser, first = tiny_recogniser(), make_batch([8000, 8000], seed=1)
    recogniser.head.bias.data[0] -= 5.0  # blanks are rare, so something is heard
    log_probs, lengths = recogniser(first.waveform, first.lengths)
    heard = greedy_decode(log_probs, lengths, recogniser.alphabet)
    assert all(heard)
    second = make_batch([8000, 8000], seed=1)
    first.texts, second.texts = heard, ["seven 7", "zz"]
    module = CTCModule(recogniser)
    scores = trainer().test(module, datamodule=TwoConditions([first, second]), verbose=False)
    found = {name: value for row in scores for name, value in row.items()}
    assert found["test/cer/clean"] == found["test/wer/clean"] == 0.0
    assert found["test/cer/snr0"] >= 1.0 and found["test/wer/snr0"] >= 1.0
    assert found["test/loss/snr0"] > found["test/loss/clean"]


def test_the_checkpoint_of_another_recogniser_is_refused(tiny_recogniser) -> None:
    checkpoint: dict[str, object] = {}
    CTCModule(tiny_recogniser()).on_save_checkpoint(checkpoint)
    CTCModule(tiny_recogniser(seed=1)).on_load_checkpoint(checkpoint)
    with pytest.raises(UserError, match=r"of another recogniser.*'hidden': 8.*'hidden': 6"):
        CTCModule(VGGLSTM(channels=(4, 4, 6, 6), hidden=6)).on_load_checkpoint(checkpoint)
    with pytest.raises(UserError, match="none of ours"):
        CTCModule(tiny_recogniser()).on_load_checkpoint({})


def test_nothing_to_learn_from_is_a_user_error(make_batch, list_data, trainer) -> None:
    nothing = make_batch([160])
    nothing.ids, nothing.waveform, nothing.lengths = [], torch.zeros(0, 0), torch.zeros(0).long()
    module = CTCModule(VGGLSTM(channels=(4, 4, 6, 6), hidden=8))
    with pytest.raises(UserError, match="no utterance of the train split"):
        trainer(max_steps=1).fit(module, datamodule=list_data([nothing]))


def test_a_text_is_spelt_by_as_few_pieces_as_can_be() -> None:
    pieces = ["t", "", "th", "he", "h", "e", "the", " ", "th"]
    spelt = [pieced(text, pieces) for text in ("the", "hthe", "thhe", "", "e t")]
    assert spelt == [[7], [5, 7], [3, 4], [], [6, 8, 1]]
    with pytest.raises(UserError, match="no classes of this recogniser spell 'tea'"):
        pieced("tea", pieces)
