"""Feature audiation: sounds optimised to drive what is chosen in a recogniser."""
