"""The pages: FastAPI and Jinja2, small ES modules of our own, one stylesheet. Thin.

Holds no code yet. What will live here: the annotator's comparison screen first, then the pages of
each room.
"""
