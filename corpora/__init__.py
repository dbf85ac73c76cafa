"""Speech as lhotse CutSets: embedded, LibriSpeech, any manifest; noise; the data module."""
