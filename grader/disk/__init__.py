"""Make paths fit to show (`names`), and write files whole or not at all (`whole`)."""
