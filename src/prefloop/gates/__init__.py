"""Evidence and thresholds in, verdict out: the checks that stand between stages.

Pure functions. They judge on the interval, not the point; they never look at a ledger or a file;
thresholds come as arguments, each with where it is from and what other sources say.
"""
