"""prefloop: the whole preference loop, with evidence at every step and a way back at every step."""

__version__ = "0.1.0"
