"""The recognisers under study, their training, and the taps into their layers."""
