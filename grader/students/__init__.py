"""What students run: the template, the public tests, the pre-check, and the zip that they hand in."""
