"""Rankings read from whatever a student handed in: a file a form of document, one record for all."""
