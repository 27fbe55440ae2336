"""Read, freeze, prove and describe TensorFlow model files without running them."""

__version__ = "0.1.0"
