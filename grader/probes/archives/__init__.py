"""Reads archives other than zips, without unpacking them to disk: first a listing, then the files that are asked for."""
