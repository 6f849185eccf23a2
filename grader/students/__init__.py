"""Make the students' template, run the public tests and the pre-check, and pack the zip that they hand in."""
