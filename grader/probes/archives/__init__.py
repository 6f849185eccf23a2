"""Reads archives other than zips, and writes nothing: first a listing, then the files that are asked for."""
