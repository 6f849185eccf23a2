"""`grade export`: convert stored grades to the formats of gradebooks and platforms.

`reports/gradebooks/` renders them.
"""

from grader.gradebook.exports.interface import FORMATS, Exported, Request
from grader.gradebook.exports.write import export

__all__ = ["FORMATS", "Exported", "Request", "export"]
