"""What the submissions of a class have in common. Flags make a person look; they never change a mark."""

from grader.cohort.compare import Compared, compare, settle
from grader.cohort.settled import FOUND, Settled

__all__ = ["FOUND", "Compared", "Settled", "compare", "settle"]
