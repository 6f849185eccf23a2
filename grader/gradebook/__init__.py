"""Read, write, adjust, re-mark, draw and export stored grades. Runs nothing from a submission."""
