"""stub until seven-s is merged"""
from pathlib import Path
def corpus_cuts(run: Path):
    return None
