"""The reward model examined; behavioural suites; blind comparisons; hacking signatures; red team.

Independent of the reward: nothing here may be scored by the model that was optimised against.
"""
