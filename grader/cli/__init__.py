"""The command `grade`."""
