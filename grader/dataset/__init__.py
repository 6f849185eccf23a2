"""Provide labelled images: find, fetch, verify and memory-map public sets, and draw a small set for the demo.

Nothing here imports torch, so that the parent process starts quickly.
"""

from grader.dataset.cache import default_cache, home_folder, why_not_usual
from grader.dataset.commands import USUAL, fetch_command, with_lab
from grader.dataset.demo_set import demo
from grader.dataset.edition import CIFAR10
from grader.dataset.fetch import fetch_cifar10
from grader.dataset.find import find_cifar10, nothing_here, usual_places
from grader.dataset.image_set import ImageSet, Split
from grader.dataset.imagenet import digest_of, fetch_weights, find_weights, usual_folders
from grader.dataset.interface import Progress
from grader.dataset.of_lab import fetch_set, find_set, megabytes, no_set
from grader.dataset.own import own_images
from grader.dataset.public_sets import PUBLIC_SETS

__all__ = [
    "CIFAR10",
    "PUBLIC_SETS",
    "USUAL",
    "ImageSet",
    "Progress",
    "Split",
    "default_cache",
    "demo",
    "digest_of",
    "fetch_cifar10",
    "fetch_command",
    "fetch_set",
    "fetch_weights",
    "find_cifar10",
    "find_set",
    "find_weights",
    "home_folder",
    "megabytes",
    "no_set",
    "nothing_here",
    "own_images",
    "usual_folders",
    "usual_places",
    "why_not_usual",
    "with_lab",
]
