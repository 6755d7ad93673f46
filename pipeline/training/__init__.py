"""Data sets, training and evaluation of the networks in `pipeline.networks`."""
