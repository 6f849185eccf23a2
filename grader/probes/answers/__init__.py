"""Computes what a right solution gives. Never part of a sandbox that runs student code: it would be a solution."""
