"""The OpenAI-compatible gateway, fallback, interaction log, feedback, live monitor, drift.

Holds no code yet. What will live here: a gateway that splits traffic between champion and
challenger, falls back to the baseline at the harmful-output trigger, and writes interactions that
become labelling work.
"""
