"""PPO: advantages from rewards, rollouts from the policy, and the stage that puts them together."""
