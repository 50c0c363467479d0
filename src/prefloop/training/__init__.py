"""SFT, reward model, best-of-n and their kin: objectives, batches, one loop, guards.

Nothing is imported here, so that `training.settings` stays free of torch.
"""
