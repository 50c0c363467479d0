"""OpenAI-compatible clients: sample, judge, embed over HTTP. No torch.

Holds no code yet. What will live here: one client for chat completions (sampling candidates,
LLM judges with positions swapped) and one for embeddings, with retries, time limits and recorded
parameters.
"""
