"""Writes what gradebooks and platforms read, one format per file: pure functions from grades to text, except pages."""
