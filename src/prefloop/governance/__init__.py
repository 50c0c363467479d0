"""Planning, SLA, cost, incidents, compliance, handoff, reviews.

Holds the power analysis of a labelling project. What will live here besides: the planning pack,
the SLA table with its owners, cost and ROI, incident runbooks, the compliance report and model
card, the handoff package, reviews.
"""
