"""The command line for one model: ``python -m zoo inspect | freeze | run | weights``."""
