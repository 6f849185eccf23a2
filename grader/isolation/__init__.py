"""The system calls that shut a process in, on Linux alone: called after a fork, before anything of a submission.

Whatever fails raises OSError, and the process must then end. Nothing else of the grader is imported here.
"""
