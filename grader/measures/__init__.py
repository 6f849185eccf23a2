"""Computes intervals, distances between rankings, their verdicts, and the ways from images to scores. No files."""
