"""Geometry of what is drawn: numbers in, coordinates and classes out. No words and no markup."""
