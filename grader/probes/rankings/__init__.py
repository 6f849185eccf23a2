"""Reads rankings from whatever a student handed in: one module per document format, one record for all."""
