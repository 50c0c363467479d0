"""The shared words: records, ids and digests, settings, errors. No I/O."""
