"""`grade export`: stored grades into the formats of gradebooks and platforms. `reports/gradebooks/` draws them."""

from grader.gradebook.exports.interface import FORMATS, Exported, Request
from grader.gradebook.exports.write import export

__all__ = ["FORMATS", "Exported", "Request", "export"]
