"""What people read: one renderer a file. Words, markup and layout exist here and nowhere else.

`reports` reads `grader.records` and nothing else of the grader, so that a stored grade can be drawn again at any time.
"""
