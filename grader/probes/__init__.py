"""The only code that touches what a student handed in. It runs inside a sandbox and returns plain data."""
