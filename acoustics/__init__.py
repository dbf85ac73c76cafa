"""Waveform to log-mel and back, and the arithmetic of time."""
