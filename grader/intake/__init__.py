"""Turn what was handed in (a zip, a folder, a class download) into a `Submission`: unpacked, bounded, nothing executed.

Names, sizes and the zip's own listing decide what is unpacked, what is refused and which file is which.
"""

from grader.intake.archive import Archive, Limits
from grader.intake.expansion import expand, not_taken
from grader.intake.unpack import file_digest, open_submission, place

__all__ = ["Archive", "Limits", "expand", "file_digest", "not_taken", "open_submission", "place"]
