"""The grader: a submission goes in, a Grade with its reasons comes out."""

__version__ = "0.1.0"
