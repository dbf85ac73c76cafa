"""Peak memory of an evaluation: after a quarter of the utterances, and at the end.

    python benchmarks/evaluation_memory.py

Bar: the peak grows by at most a tenth of the sound that the later utterances make. Rendering,
audio files, GE2E, transcription and STOI all take part, in a real `Trainer.test`.
"""

import argparse
import resource
import tempfile
from pathlib import Path

from fair import load
from lightning import Callback, Trainer

from asr_models.checkpoint import save_recogniser
from asr_models.vgg_lstm import VGGLSTM
from corpora.datamodule import SpeechDataModule
from corpora.embedded import EmbeddedCorpus
from evaluation.callbacks import ScoreSpeech
from evaluation.trials import Trial, save_trials
from probes.bank import ProbeBank

LAYERS = ["cnn1", "blstm5"]
HEARD = 3 + len(LAYERS)  # with natural, copy-synthesis and mean-mel


def test_speech(utterances: int) -> SpeechDataModule:
    """A test set of ten utterances per speaker, and little else."""
    corpus = EmbeddedCorpus(
        n_train_speakers=1,
        n_dev_speakers=1,
        n_test_speakers=utterances // 10,
        utterances_per_train_speaker=1,
        utterances_per_dev_speaker=1,
        utterances_per_test_speaker=10,
    )
    data = SpeechDataModule(corpus, batch_duration_s=16.0)
    data.prepare_data()
    return data


class PeakMemory(Callback):
    """Peak resident memory in MB after each batch."""

    def __init__(self) -> None:
        self.peaks: list[float] = []

    def on_test_batch_end(self, *_: object) -> None:
        """Note the peak so far."""
        self.peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--utterances", type=int, default=240)
    args = parser.parse_args()
    memory = PeakMemory()
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder)
        save_recogniser(VGGLSTM(), run / "recogniser")
        data = test_speech(args.utterances)
        duration_s = sorted(cut.duration for cut in data.cuts("test"))
        first, second, *_ = (cut.id for cut in data.cuts("test"))
        save_trials(run / "trials.csv", [Trial("t0", first, second, "a", "a", True)])
        bank = ProbeBank(str(run / "recogniser"), layers=LAYERS)
        score = ScoreSpeech(
            folder, recognisers={"self": str(run / "recogniser")}, quality=["stoi"], n_iter=2
        )
        trainer = Trainer(
            accelerator="cpu",
            devices=1,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            callbacks=[score, memory],
            default_root_dir=folder,
        )
        trainer.test(bank, datamodule=data, verbose=False)
    quarter = len(memory.peaks) // 4
    growth = memory.peaks[-1] - memory.peaks[quarter - 1]
    later_s = sum(duration_s[len(duration_s) // 4 :])  # batches come in order of duration
    sound = later_s * 16000 * 4 * HEARD / 1e6
    print(f"{len(duration_s)} utterances, {HEARD} sounds each, {load()}")
    print(
        f"peak {memory.peaks[quarter - 1]:.0f} MB after a quarter, {memory.peaks[-1]:.0f} MB at "
        f"the end; the later utterances' sound takes {sound:.0f} MB: ratio {growth / sound:.3f} "
        "(bar 0.1)"
    )


if __name__ == "__main__":
    import logging
    import warnings

    logging.getLogger("lightning").setLevel(logging.ERROR)
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore")
    main()
