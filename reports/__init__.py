"""Renders what people read: one renderer per file. Words, markup and layout exist only here.

`reports` reads only `grader.records` of the grader, so that a stored grade can be redrawn at any time.
"""
