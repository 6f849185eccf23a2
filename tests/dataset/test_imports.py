"""What the parent process pays for importing the data set's code."""

from __future__ import annotations

import subprocess
import sys


def test_importing_it_loads_neither_torch_nor_what_only_a_fetch_needs():
    heavy = ("torch", "PIL", "urllib.request", "http.client", "tarfile", "filelock", "asyncio")
    code = f"import sys, grader.dataset; print(*[name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
