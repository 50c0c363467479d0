"""Planning, SLA, cost, incidents, compliance, handoff, reviews.

Holds no code yet. What will live here: the planning pack, the SLA table with its owners, cost and
ROI, incident runbooks, the compliance report and model card, the handoff package, reviews.
"""
