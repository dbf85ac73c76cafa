"""YAML: experiments and their parts."""
