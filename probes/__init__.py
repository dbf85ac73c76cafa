"""Highway probes and the bank that trains one per layer in one pass."""
