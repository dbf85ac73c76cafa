"""Peak memory of an evaluation of few utterances and of many, each in a process of its own.

    python benchmarks/evaluation_memory.py

Bar: the peak grows by at most a fifth of the sound that more utterances make, which leaves room
for the kernels that oneDNN keeps (0.4 MB for every new shape, 1024 of them at most). Rendering,
audio files, GE2E, transcription and STOI all take part, in a real `Trainer.test`.
"""

import argparse
import logging
import resource
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import fair  # noqa: F401 - limits the threads
import torch
from lightning import Trainer

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


def evaluate(utterances: int) -> None:
    """Evaluate so many utterances here; print the peak memory in MB and their seconds."""
    data = test_speech(utterances)
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder)
        torch.manual_seed(0)
        save_recogniser(VGGLSTM(), run / "recogniser")
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
            callbacks=[score],
            default_root_dir=folder,
        )
        trainer.test(bank, datamodule=data, verbose=False)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    print(peak_mb, sum(cut.duration for cut in data.cuts("test")))


def main() -> None:
    """Measure in two processes and print the growth."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--utterances", type=int, nargs=2, default=[80, 320])
    parser.add_argument("--only", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.only:
        evaluate(args.only)
        return
    found = []
    for count in args.utterances:
        command = [sys.executable, __file__, "--only", str(count)]
        lines = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        found.append([float(word) for word in lines.splitlines()[-1].split()])
    (few_mb, few_s), (many_mb, many_s) = found
    sound_mb = (many_s - few_s) * 16000 * 4 * HEARD / 1e6
    print(
        f"peak {few_mb:.0f} MB for {args.utterances[0]}, {many_mb:.0f} MB for "
        f"{args.utterances[1]} utterances, {HEARD} sounds of each; the difference in sound is "
        f"{sound_mb:.0f} MB: ratio {(many_mb - few_mb) / sound_mb:.3f} (bar 0.2)"
    )


if __name__ == "__main__":
    logging.getLogger("lightning").setLevel(logging.ERROR)
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore")
    main()
