"""Defines checks and the rubric; turns evidence into findings, flags and a Grade. Pure: no student files, no torch."""
