"""Pure statistics on arrays: agreement, aggregation, reliability, calibration, ceilings, intervals.

Judgments come in long format: three aligned arrays of codes (item, annotator, label). Nothing
here builds an annotators x items matrix, draws from global randomness or does I/O. A case with
too little data gives `NotEnough` with the reason, never NaN; unusable input raises BadInput.

Votes and verdicts are coded 1 (a), -1 (b), 0 (tie), so that exchanging a and b is a minus sign.
"""

from prefloop.stats.result import NotEnough

__all__ = ["NotEnough"]
