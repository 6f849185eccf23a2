"""What a check is, the rubric, and evidence to findings, flags and a Grade. Pure: no files of a student, no torch."""
