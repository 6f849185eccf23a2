"""Networks of the retrieval, pictures, and the scores that they give."""
