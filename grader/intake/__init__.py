"""Turn what was handed in (a zip, a folder, a class download) into a `Submission`: unpacked, bounded, nothing executed.

Names, sizes and the zip's own listing decide what is unpacked, what is refused and which file is which.
"""

from grader.intake.archive import Archive, Limits
from grader.intake.expansion import expand, not_taken
from grader.intake.repacked import Listed, Repack, other_format, wanted, write_zip
from grader.intake.unpack import open_submission, place
from grader.intake.zips import file_digest

__all__ = [
    "Archive",
    "Limits",
    "Listed",
    "Repack",
    "expand",
    "file_digest",
    "not_taken",
    "open_submission",
    "other_format",
    "place",
    "wanted",
    "write_zip",
]
