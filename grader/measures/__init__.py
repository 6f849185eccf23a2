"""Intervals, distances of rankings and their verdict, ways from pictures to scores: figures without files."""
