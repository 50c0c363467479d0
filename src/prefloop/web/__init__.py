"""The pages: FastAPI and Jinja2, small ES modules of our own, one stylesheet. Thin."""
