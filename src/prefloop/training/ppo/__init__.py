"""PPO: advantages from rewards, rollouts from the policy, and the stage that puts them together."""

from prefloop.training.ppo.stage import PPOResult, train_ppo

__all__ = ["PPOResult", "train_ppo"]
