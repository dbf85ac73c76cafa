"""The atlas of a run: one static site to look at and listen to."""
