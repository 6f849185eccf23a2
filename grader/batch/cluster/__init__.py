"""Grade on other machines: a scheduler, workers that grade, and the command that hands out and publishes.

Everything that travels is Dask's (`distributed`), which is imported only where this is used.
"""
