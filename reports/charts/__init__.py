"""Computes the geometry of drawings: numbers in, coordinates and classes out. No words, no markup."""
