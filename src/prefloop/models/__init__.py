"""Local language models: load, generate, log-probabilities, scores. The only low room with torch.

Nothing is imported here, so that a module without torch (`models.sampling`) stays light.
"""
