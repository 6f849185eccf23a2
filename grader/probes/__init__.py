"""The only code that opens what a student handed in. It runs inside a sandbox and returns plain data."""
