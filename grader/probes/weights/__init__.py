"""Reads checkpoints without running their content, and evaluates the networks in them."""
