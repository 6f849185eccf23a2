"""Tables that instructors and platforms write: read without loss, columns found by their headings in any language."""
