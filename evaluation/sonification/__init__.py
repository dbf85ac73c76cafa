"""Dataset sonification: which segments of a corpus drive every feature of every layer."""
