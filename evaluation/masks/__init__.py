"""Importance masks: the fewest entries of an input that keep what a recogniser says."""
