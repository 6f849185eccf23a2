#!/usr/bin/env python3
"""Take the steps of the Dockerfile without Docker, and run a command in what comes out.

    .ci/dockerfile_without_docker.py [--bind FROM:TO[:ro]]... [--env NAME=VALUE]... [--into FOLDER] [COMMAND...]

Needs root, runc, debootstrap and the network. The base is a fresh debootstrap root; each step runs in it by
`in_container.py`, with this machine's network and what is bound and set here, such as pip's settings. Then COMMAND runs
as the image's user, without a network; without one, `grade demo` does, and must earn 100 of 100 points.
"""

from __future__ import annotations

import argparse
import shutil
import string
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
IN_CONTAINER = Path(__file__).with_name("in_container.py")
DEMO = ["sh", "-c", "grade demo --out /tmp/demo | tee /tmp/demo.txt && grep -q '^100 of 100 points' /tmp/demo.txt"]


@dataclass
class Image:
    """What the steps have made so far."""

    root: Path
    options: Sequence[str]  # of in_container.py, while it is built
    user: str = "0"
    workdir: str = "/"
    settings: dict[str, str] = field(
        default_factory=lambda: {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
    )

    def run(self, command: Sequence[str], *options: str) -> int:
        """Run a command as the image's user, and return its exit status."""
        here = ["--root", str(self.root), "--user", self.user, "--workdir", self.workdir]
        here += [part for name, value in self.settings.items() for part in ("--env", f"{name}={value}")]
        return subprocess.run([sys.executable, IN_CONTAINER, *here, *options, *command], check=False).returncode


def steps(dockerfile: str) -> Iterator[tuple[str, str]]:
    """Yield each instruction and what stands behind it."""
    lines = [line for line in dockerfile.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    for step in "\n".join(lines).replace("\\\n", " ").splitlines():
        name, _, rest = step.strip().partition(" ")
        yield name.upper(), rest.strip()


def take(image: Image, name: str, rest: str) -> None:
    """Take one step. Ends the program where it fails, or where Docker would do what this does not."""
    match name:
        case "FROM":
            system, _, tag = rest.partition(":")
            if system != "debian":
                sys.exit(f"FROM {rest}: only Debian can be made by debootstrap")
            suite = tag.partition("-")[0]
            subprocess.run(["debootstrap", "--variant=minbase", suite, image.root], check=True)
        case "RUN":
            if status := image.run(["sh", "-c", rest], "--network", *image.options):
                sys.exit(f"RUN {rest}\nended with {status}")
        case "COPY":
            *sources, target = rest.split()
            copy([PROJECT / source for source in sources], image.root / target.lstrip("/"), target.endswith("/"))
        case "ENV":
            key, _, value = rest.partition("=")
            image.settings[key] = string.Template(value).substitute(image.settings)
        case "USER":
            image.user = rest
        case "WORKDIR":
            image.workdir = rest
        case "ARG" | "VOLUME" | "CMD":  # given with --env; a folder like any other; what runs here is another command
            pass
        case _:
            sys.exit(f"{name}: this instruction is not known here")


def copy(sources: Sequence[Path], target: Path, into: bool) -> None:
    """Copy files into a folder, or the content of a folder to another, as COPY does."""
    for source in sources:
        place = target / source.name if into else target
        place.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, place, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, place)


def main() -> int:
    """Build, then run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bind", action="append", default=[], metavar="FROM:TO[:ro]", help="seen while it is built")
    parser.add_argument("--env", action="append", default=[], metavar="NAME=VALUE", help="set while it is built")
    parser.add_argument("--into", type=Path, metavar="FOLDER", help="empty; kept, to look at; else a temporary one")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    given = parser.parse_args()
    if shutil.which("debootstrap") is None:
        sys.exit("needs debootstrap (on Debian and Ubuntu: apt install debootstrap)")
    options = [part for name in ("bind", "env") for value in getattr(given, name) for part in (f"--{name}", value)]
    with tempfile.TemporaryDirectory(prefix="image-") as place:
        image = Image(given.into or Path(place), options)
        image.root.chmod(0o755)
        for name, rest in steps((PROJECT / "Dockerfile").read_text("utf-8")):
            print(f"--- {name} {rest}", flush=True)
            take(image, name, rest)
        print("--- built; now as the image's user, without a network", flush=True)
        return image.run(given.command or DEMO)


if __name__ == "__main__":
    sys.exit(main())
