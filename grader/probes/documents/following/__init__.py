"""Follows values through a submission's code without running it: which numbers reach the network's input?"""
