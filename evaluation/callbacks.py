"""Callbacks of `Trainer.test` that render and score: shells around the functions beside them."""

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from lightning import Callback, LightningModule, Trainer

from acoustics.errors import UserError
from corpora.batch import SpeechBatch
from corpora.selection import first_of_each_speaker
from evaluation.listening import REFERENCE_LAYERS, Sample, save_samples, write_sample
from evaluation.pictures import mel_levels
from evaluation.quality import QUALITY_METRICS
from evaluation.references import rebuilt, reference_mels
from evaluation.scoring import bank_scorer, never_heard
from evaluation.verifiers.verifier import Verifier
from evaluation.watching import condition_of
from probes.bank import ProbeBank


class ScoreSpeech(Callback):
    """Renders every layer of a `ProbeBank` in `Trainer.test` and scores what it hears.

    Writes `audio/`, and `scores.csv` and `trial_scores.csv` into `tables`.

    Args:
        run: the run folder.
        tables: where the two tables go (default: the run folder).
        model: name of the model in the tables.
        trials: trial list (default: `trials.csv` of the run folder).
        references: score `natural`, `copy-synthesis` and `mean-mel` too.
        verifiers: speaker verifiers (default: GE2E).
        recognisers: name to folder of the recognisers that transcribe the rendered speech.
        quality: which of PESQ, STOI and ESTOI to measure.
        quality_per_speaker: utterances of each speaker that get them (default: all).
        keep_audio: utterances of each speaker whose audio is kept (default: all).
        n_iter: Griffin-Lim iterations.
        seed: of the vocoder's initial phases.
        workers: processes that measure quality.
        keep_embeddings: leave the speaker embeddings beside the tables.
    """

    def __init__(
        self,
        run: str,
        tables: str | None = None,
        model: str = "baseline",
        trials: str | None = None,
        references: bool = True,
        verifiers: list[Verifier] | None = None,
        recognisers: dict[str, str] | None = None,
        quality: list[str] | None = None,
        quality_per_speaker: int | None = None,
        keep_audio: int | None = None,
        n_iter: int = 32,
        seed: int = 0,
        workers: int = 1,
        keep_embeddings: bool = False,
    ) -> None:
        self.references = references
        self._scorer = partial(
            bank_scorer,
            run=Path(run),
            tables=Path(run if tables is None else tables),
            model=model,
            trials=Path(run) / "trials.csv" if trials is None else Path(trials),
            verifiers=verifiers,
            recognisers=recognisers or {},
            n_iter=n_iter,
            quality_per_speaker=quality_per_speaker,
            keep_audio=keep_audio,
            quality=QUALITY_METRICS if quality is None else quality,
            seed=seed,
            workers=workers,
            keep_embeddings=keep_embeddings,
        )
        self._open = ExitStack()
        self._failed: set[str] = set()

    def on_test_start(self, trainer: Trainer, module: LightningModule) -> None:
        """Load what listens: verifiers, recognisers and metric workers."""
        if trainer.world_size > 1:
            raise UserError("ScoreSpeech: scoring runs on one device; set trainer.devices to 1")
        cuts = trainer.datamodule.cuts("test")  # type: ignore[attr-defined]
        self.scorer = self._open.enter_context(self._scorer(_bank(module), cuts))

    def on_test_batch_end(
        self,
        trainer: Trainer,
        module: LightningModule,
        outputs: Any,
        batch: SpeechBatch,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Render and score one batch."""
        condition = condition_of(trainer, dataloader_idx)
        self._fail(module, [condition], batch.failures)
        self._failed.update(name for name, _ in batch.failures)
        if batch.ids:
            found = rebuilt(_bank(module), batch, outputs, self.references)
            self.scorer.add(condition, batch, *found)

    def on_test_end(self, trainer: Trainer, module: LightningModule) -> None:
        """Report what was never loaded, wait for the metric workers and write the tables."""
        data = trainer.datamodule  # type: ignore[attr-defined]
        self._fail(module, data.conditions, never_heard(data.unusable, self._failed))
        self._open.close()

    def on_exception(self, trainer: Trainer, module: LightningModule, error: BaseException) -> None:
        """Stop the workers; half a table is not left behind."""
        self._open.__exit__(type(error), error, error.__traceback__)

    def _fail(
        self,
        module: LightningModule,
        conditions: Iterable[str],
        utterances: Sequence[tuple[str, str]],
    ) -> None:
        layers = [*(REFERENCE_LAYERS if self.references else ()), *_bank(module).tap.names]
        for condition in conditions:
            self.scorer.fail(condition, layers, utterances)


def _bank(module: LightningModule) -> ProbeBank:
    assert isinstance(module, ProbeBank)  # noqa: S101 - for the type checker
    return module


class ListeningSamples(Callback):
    """Keeps mel and mel picture of a few utterances for every layer, beside their audio.

    Put it behind `ScoreSpeech`, which writes the audio.

    Args:
        run: the run folder; writes `mels/`, `samples/` and `samples.csv`.
        model: name of the model in the tables.
        speakers: how many speakers to take one utterance from.
        references: keep `natural`, `copy-synthesis` and `mean-mel` too.
    """

    def __init__(
        self, run: str, model: str = "baseline", speakers: int = 4, references: bool = True
    ) -> None:
        self.run, self.model, self.speakers = Path(run), model, speakers
        self.references = references
        self.samples: list[Sample] = []
        self._chosen: set[str] = set()

    def on_test_start(self, trainer: Trainer, module: LightningModule) -> None:
        """Choose speakers evenly from the test set, and the first utterance of each."""
        firsts = list(first_of_each_speaker(trainer.datamodule.cuts("test"), 1))  # type: ignore[attr-defined]
        count = min(self.speakers, len(firsts))
        self._chosen = {str(firsts[i * len(firsts) // count].id) for i in range(count)}

    def on_test_batch_end(
        self,
        trainer: Trainer,
        module: LightningModule,
        outputs: Any,
        batch: SpeechBatch,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Keep the chosen utterances of this batch."""
        wanted = [i for i, utterance in enumerate(batch.ids) if utterance in self._chosen]
        if not wanted:
            return
        bank = _bank(module)
        natural, frames = bank.target(batch)
        mels = dict(outputs["mels"])
        if self.references:
            known = reference_mels(batch, bank.log_mel, bank.constant)
            mels = known | mels | {"natural": natural}
        condition = condition_of(trainer, dataloader_idx)
        for i in wanted:
            count = int(frames[i])
            levels = mel_levels(natural[i, :count].cpu().numpy())
            for layer, mel in mels.items():
                self.samples.append(
                    write_sample(
                        self.run,
                        model="reference" if layer in REFERENCE_LAYERS else self.model,
                        condition=condition,
                        layer=layer,
                        utterance=batch.ids[i],
                        speaker=batch.speakers[i],
                        mel=mel[i, :count].cpu().numpy(),
                        levels=levels,
                    )
                )

    def on_test_end(self, trainer: Trainer, module: LightningModule) -> None:
        """Add the samples to `samples.csv`."""
        save_samples(self.run, self.samples)
