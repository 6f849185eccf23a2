"""Provide labelled images: find, fetch, verify and memory-map CIFAR-10, and draw a small set for the demo.

Nothing here imports torch, so that the parent process starts quickly.
"""

from grader.dataset.cache import default_cache, home_folder, why_not_usual
from grader.dataset.demo_set import demo
from grader.dataset.edition import CIFAR10
from grader.dataset.fetch import fetch_cifar10
from grader.dataset.find import find_cifar10, nothing_here, usual_places
from grader.dataset.image_set import ImageSet, Split
from grader.dataset.imagenet import digest_of, fetch_weights, find_weights, usual_folders
from grader.dataset.interface import Progress
from grader.dataset.own import own_images

__all__ = [
    "CIFAR10",
    "ImageSet",
    "Progress",
    "Split",
    "default_cache",
    "demo",
    "digest_of",
    "fetch_cifar10",
    "fetch_weights",
    "find_cifar10",
    "find_weights",
    "home_folder",
    "nothing_here",
    "own_images",
    "usual_folders",
    "usual_places",
    "why_not_usual",
]
