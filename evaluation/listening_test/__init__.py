"""The human listening test: triplets, the folder that is served, answers and error rates."""
