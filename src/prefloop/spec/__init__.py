"""The behavior specification, its playbook, what changed and whether that breaks comparability."""
