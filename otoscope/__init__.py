"""The front door: command line and the experiment that chains everything."""
