"""What every test stands on: caches and data folders of its own, and the real CIFAR-10 for those that ask for it."""

from __future__ import annotations

import os
import site
from collections.abc import Iterator
from pathlib import Path

import pytest

from grader.dataset import ImageSet, default_cache, find_cifar10

# Kept before the environment is emptied below.
REAL_CACHE = default_cache()
REAL_DATA = os.environ.get("CNN_LAB_GRADER_DATA")


@pytest.fixture(autouse=True, scope="session")
def nothing_of_the_user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test reads or writes the user's own caches, settings or data, nor does a process that it starts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONUSERBASE", site.getuserbase())  # packages may be installed there: found by way of HOME
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        patch.delenv("CNN_LAB_GRADER_DATA", raising=False)
        yield


@pytest.fixture(scope="session")
def cifar10() -> ImageSet:
    """The real CIFAR-10, from CNN_LAB_GRADER_DATA or the user's cache; never fetched by a test."""
    found = find_cifar10(Path(REAL_DATA) if REAL_DATA else None, REAL_CACHE)
    if found is None:
        pytest.skip("CIFAR-10 is not here: run `grade data fetch`")
    return found
