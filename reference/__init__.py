"""The lab, solved. Students get `models.py` as it is and the rest with the solutions taken out."""
