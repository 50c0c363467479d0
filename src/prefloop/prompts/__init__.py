"""Where prompts come from, the sampling plan, candidate completions."""
