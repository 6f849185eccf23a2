"""Labs as data: each is a folder with `lab.toml` and `rubric.toml`. A command grades one lab, chosen when it starts."""

from grader.labs.current import the_lab, use_lab, using_lab
from grader.labs.lab import Lab, Normalisation, Task
from grader.labs.reading import DEFAULT, find_lab, here, is_language, read_lab, shipped

__all__ = [
    "DEFAULT",
    "Lab",
    "Normalisation",
    "Task",
    "find_lab",
    "here",
    "is_language",
    "read_lab",
    "shipped",
    "the_lab",
    "use_lab",
    "using_lab",
]
