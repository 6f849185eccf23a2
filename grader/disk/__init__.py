"""Paths fit to be shown (`names`), and files that are there whole or not at all (`whole`)."""
