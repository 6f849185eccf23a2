#!/usr/bin/env bash
# Gradescope runs this once, while it builds the image: Python, the grader, CIFAR-10.
set -euo pipefail
root="${AUTOGRADER_ROOT:-/autograder}"
cd "$root/source"

apt-get update
apt-get install -y libarchive13
# The grader needs Python 3.11 or newer; which one there is depends on the image that was chosen.
apt-get install -y python3.12 python3.12-venv || apt-get install -y python3.11 python3.11-venv

"$(command -v python3.12 || command -v python3.11)" -m venv "$root/venv"
"$root/venv/bin/pip" install --no-cache-dir ./*.whl

# The images: an archive of CIFAR-10 that lies in this zip is taken; else they are fetched now, once, and stay in the
# image. A lab with images of its own has them in this zip.
export XDG_CACHE_HOME="$root/cache"
options=()
if [ -e lab ]; then options+=(--lab "$(cat lab)"); fi
if [ ! -e cifar-10-python.tar.gz ]; then
    "$root/venv/bin/grade" data fetch "${options[@]}"
fi
