"""Label batches frozen into preference data; formats in and out."""
