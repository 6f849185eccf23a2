"""Seconds to recompute rankings: 50 library images and 10 queries, two networks of ResNet50's size.

    python benchmarks/retrieval.py [--models resnet50 resnext50_32x4d]

The report is made by `reference/retrieve.py` with random weights; what is timed is everything that the grader does with
it: reading, decoding, features by both networks, comparing. The same work by a plain script (torchvision's transforms,
one batch a network, float32, no sandbox) stands beside it.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from fixtures import IMAGES
from grader.collect import Equipment
from grader.collect.code.caller import Caller
from grader.collect.retrieval import look_at_retrieval
from grader.collect.subject import Subject
from grader.evidence import ComparedRankings
from grader.intake import Archive, open_submission
from grader.machine import processors
from grader.measures.ranking_verdict import accepted, chosen
from grader.records import Student, message
from grader.sandbox import open_sandbox

RETRIEVE = Path(__file__).parents[1] / "reference" / "retrieve.py"
PLAIN = """
import sys
from pathlib import Path
import torch
from PIL import Image
from torchvision import models, transforms
prepare = transforms.Compose([transforms.Resize(256), transforms.CenterCrop(224), transforms.ToTensor(),
                              transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))])
x = torch.stack([prepare(Image.open(p).convert("RGB")) for p in sorted(Path(sys.argv[1]).rglob("*.png"))])
for name in sys.argv[2:]:
    torch.manual_seed(0)
    net = models.get_model(name, weights=None).eval()
    net.fc = torch.nn.Identity()
    with torch.no_grad():
        features = torch.nn.functional.normalize(torch.cat([net(part) for part in x.split(20)]), dim=1)
    (features @ features.T).topk(5)
"""


def main() -> None:
    """Make the report, time both, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["resnet50", "resnext50_32x4d"])
    models = parser.parse_args().models
    with tempfile.TemporaryDirectory() as name, open_sandbox() as sandbox:
        folder = Path(name) / "submission"
        options = [part for model in models for part in ("--model", model)]
        places = ["--library", str(IMAGES / "library"), "--queries", str(IMAGES / "queries"), "--out", str(folder)]
        folder.mkdir()
        made = [sys.executable, str(RETRIEVE), "--weights", "random", *options, *places]
        subprocess.run(made, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for part in ("library", "queries"):
            (folder / part).symlink_to(IMAGES / part)
        packed = Path(name) / "packed"
        subprocess.run(["cp", "-rL", str(folder), str(packed)], check=True)
        submission = open_submission(Archive(packed, Student("Ada")), Path(name) / "unpacked")
        began = time.perf_counter()
        equipment = Equipment(message("no images"), sandbox, threads=processors())
        found = look_at_retrieval(Subject(submission, equipment, Caller(submission, None))).compared
        ours = time.perf_counter() - began
        assert isinstance(found, ComparedRankings)
        agreed = sum(map(accepted, chosen(found.runs)))
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", PLAIN, str(IMAGES), *models], check=True)
        plain = time.perf_counter() - began
    print(f"{' and '.join(models)}: {agreed} of {len(models)} rankings accepted")
    print(f"grader {ours:.1f} s, plain script {plain:.1f} s: {ours / plain:.2f} of its time")


if __name__ == "__main__":
    main()
