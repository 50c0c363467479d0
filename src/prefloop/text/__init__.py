"""What can be read off a text: redaction, near-duplicates, style features, safe rendering."""
