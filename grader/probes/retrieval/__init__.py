"""Networks and images of the retrieval, and the scores that they give."""
