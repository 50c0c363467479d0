"""Registry, champion and challenger, staging, ramps, rollback, experiments.

So far: the decision. Promotion moves the `champion` tag, and only through a second person.
"""
