"""Runs a student's functions. Student code runs only here; what these probes return is an unverified claim."""
