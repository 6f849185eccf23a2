"""The roster of a class: read from a table, kept beside the grades, and matched with them."""
