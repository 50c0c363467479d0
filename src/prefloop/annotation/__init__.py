"""Campaigns, the queue, judgments, calibration, review, AI judges.

A campaign is pinned to one specification. Its queue gives every comparison exactly the overlap it
asks for; people answer through `queue.claim` and `judgments.submit`, simulated ones too; closing
it makes a label batch, which is all that the rest of the loop ever sees.
"""
