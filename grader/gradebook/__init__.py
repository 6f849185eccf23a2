"""Grades on disk: read, written, decided on, re-marked, drawn and exported. Runs nothing of a submission."""
