"""`grade export`: stored grades into the formats of gradebooks and platforms. `reports/gradebooks/` draws them."""

from grader.export.interface import FORMATS, Exported, Request
from grader.export.write import export

__all__ = ["FORMATS", "Exported", "Request", "export"]
