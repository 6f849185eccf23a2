"""What gradebooks and platforms read, one format a file: pure functions from grades to text, pages excepted."""
