"""What tells copies of one picture from different ones, and scores that say nothing from those of honest reports.

    python benchmarks/retrieval_alike.py [--networks 12]

Hashes: the least distance between two pictures of `fixtures/images`, of CIFAR-10 (if `grade data fetch` has been run)
and of what honest libraries may hold that is much alike (strokes and small things on white paper, ten things from five
places, one table with another thing on it), with how many of them count as different, beside the greatest distance
between a picture and its copies (saved anew, enlarged, a pixel changed, darkened, mirrored).
Spread: the best score less the fifth best of one query, with trained networks and with random ones, beside what the
same scores differ by between float32 and float64, and beside libraries of copies.
Handed-in features: how far those of other precisions are from the recomputed ones, beside those of another picture.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageEnhance, ImageOps
from torch import Tensor
from torch.nn.functional import normalize

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # this needs what is in the checkout alone, wherever the grader is installed

from benchmarks.retrieval_rule import (  # noqa: E402
    SEED,
    Pool,
    cifar_pool,
    drawn_pool,
    final_weights,
    passed,
    pretrained,
    random_weights,
)
from grader.collect.retrieval.features import AGREES  # noqa: E402
from grader.evidence import Pipeline  # noqa: E402
from grader.evidence.kinds.retrieval import TOP  # noqa: E402
from grader.measures.alike import APART, SURE, distances, values  # noqa: E402
from grader.measures.ranking_verdict import LEAST_SPREAD  # noqa: E402
from grader.probes.retrieval.pictures import prepared, tile_hash  # noqa: E402

TEMPLATE = Pipeline(256, 224)
STROKES = 60
RANDOM = (
    "resnet18", "alexnet", "resnet50", "vgg11", "squeezenet1_1", "mobilenet_v2", "densenet121", "googlenet",
    "shufflenet_v2_x1_0", "efficientnet_b0", "resnext50_32x4d",
)  # fmt: skip


def strokes_pool() -> Pool:
    """Thin strokes on white paper, as digits are: pictures that have most in common."""
    random = np.random.default_rng(SEED)
    made = []
    for _ in range(STROKES):
        page = Image.new("RGB", (256, 256), "white")
        points = [tuple(point) for point in random.integers(60, 196, (4, 2)).tolist()]
        ImageDraw.Draw(page).line(points, "black", 14, "curve")
        made.append(page)
    return Pool("strokes", made, [0] * STROKES)


def things_pool() -> Pool:
    """A small thing on white paper, as icons and photographs of products are."""
    random = np.random.default_rng(SEED)
    made = []
    for _ in range(STROKES):
        around = zip(np.linspace(0, 2 * np.pi, 9)[:-1], 30 * random.uniform(0.4, 1.0, 8), strict=True)
        page = Image.new("RGB", (256, 256), "white")
        corners = [(128 + far * np.cos(turn), 128 + far * np.sin(turn)) for turn, far in around]
        ImageDraw.Draw(page).polygon(corners, tuple(random.integers(20, 200, 3).tolist()))
        made.append(page)
    return Pool("small things", made, [0] * STROKES)


def views_pool(of: Pool, moved: float) -> Pool:
    """Ten things from five places each: turned, nearer and aside by a share of the picture."""
    random = np.random.default_rng(SEED)

    def view(picture: Image.Image) -> Image.Image:
        side = 256
        turned = picture.resize((side, side)).rotate(100 * moved * random.uniform(-1, 1), Image.Resampling.BICUBIC)
        kept = int(side * (0.95 - moved * random.uniform()))
        left, top = (int((side - kept) * random.uniform()) for _ in range(2))
        return turned.crop((left, top, left + kept, top + kept))

    made = [view(picture) for picture in of.pictures[:10] for _ in range(5)]
    return Pool(f"views of {of.name}, moved by {moved:.0%}", made, [0] * len(made))


def table_pool(of: Pool) -> Pool:
    """One table, photographed from one place, with another thing on it each time."""
    grid = np.random.default_rng(SEED).integers(90, 160, (8, 8, 3), dtype=np.uint8)
    table = Image.fromarray(grid).resize((256, 256), Image.Resampling.BICUBIC)
    made = []
    for picture in of.pictures[:50]:
        seen = table.copy()
        seen.paste(picture.resize((80, 80)), (88, 88))
        made.append(seen)
    return Pool(f"a table with {of.name}", made, [0] * len(made))


def saved(picture: Image.Image) -> Image.Image:
    """As a JPEG of middling quality gives it back."""
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=60)
    return Image.open(file).convert("RGB")


def one_pixel(picture: Image.Image) -> Image.Image:
    """One pixel changed, near the middle."""
    copy = picture.copy()
    copy.putpixel((picture.width // 2, picture.height // 2), (0, 255, 0))
    return copy


COPIES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "saved anew": saved,
    "three times as large": lambda picture: picture.resize((3 * picture.width, 3 * picture.height)),
    "one pixel changed": one_pixel,
    "darkened": lambda picture: ImageEnhance.Brightness(picture).enhance(0.8),
    "mirrored": ImageOps.mirror,
}


def hashed(pictures: list[Image.Image]) -> np.ndarray:
    """The hashes of pictures under the template's preparation."""
    return np.stack([values(tile_hash(prepared(picture, asdict(TEMPLATE)))) for picture in pictures])


def show_hashes(pools: list[Pool]) -> None:
    """Distances of different pictures and of copies."""
    for pool in pools:
        hashes = hashed(pool.pictures)
        apart = distances(hashes, hashes)[np.triu_indices(len(hashes), 1)]
        near, sure = (int((apart <= bound).sum()) for bound in (APART, SURE))
        print(f"{pool.name}: least distance of {apart.size} pairs {apart.min():.3f}, 1st percentile "
              f"{np.quantile(apart, 0.01):.3f}; pairs taken for copies: {near}, for certain: {sure}; different in a "
              f"library of mostly copies: {counted(hashes, APART)} of {len(hashes)}, in another: "
              f"{counted(hashes, SURE)}")  # fmt: skip
        for name, change in COPIES.items():
            far = distances(hashes, hashed([change(picture) for picture in pool.pictures])).diagonal()
            print(f"    {name}: greatest distance {far.max():.3f}, {far.max() / APART:.2f} of the bound {APART}")


def counted(hashes: np.ndarray, within: float) -> int:
    """How many pictures count as different."""
    left = list(hashes)
    count = 0
    while left:
        far = distances(left[0][None], np.stack(left))[0] > within
        left = [one for one, other in zip(left, far, strict=True) if other]
        count += 1
    return count


def spreads(features: Tensor) -> Tensor:
    """The best score less the fifth best, of each picture as a query to all others."""
    rows = normalize(features.double(), dim=1)
    scores = rows @ rows.T
    scores.fill_diagonal_(-2.0)
    best = scores.sort(dim=1, descending=True).values
    return best[:, 0] - best[:, TOP - 1]


def noise(one: Tensor, other: Tensor) -> float:
    """How much a score differs between two ways to compute it."""
    rows = [normalize(features.double(), dim=1) for features in (one, other)]
    return float((rows[0] @ rows[0].T - rows[1] @ rows[1].T).abs().max())


def show_spread(name: str, model: torch.nn.Module, declared: Pipeline, pool: Pool) -> None:
    """One network on one pool."""
    copies = Pool("copies", [change(pool.pictures[0]) for change in list(COPIES.values())[:3] * 4], [0] * 12)
    same = Pool("same", [pool.pictures[0]] * 12, [0] * 12)
    taps = [passed(model, one, declared) for one in (pool, same, copies)]
    exact = passed(model, pool, declared, how="all in float64")
    if any(tap is None for tap in (*taps, exact)):
        print(f"{name}: cannot be run")
        return
    honest, of_same, of_copies, in_64 = (tap.head.flatten(1) for tap in (*taps, exact))  # type: ignore[union-attr]
    least, of_digits = float(spreads(honest).min()), noise(honest, in_64)
    same_spread, copy_spread = (float(spreads(rows).max()) for rows in (of_same, of_copies))
    print(f"{name} on {pool.name}: least spread {least:.2e}, {least / LEAST_SPREAD:.1f} of the floor; float32 and"
          f" float64 differ by {of_digits:.1e}; one picture {same_spread:.1e}; its copies {copy_spread:.1e}",
          flush=True)  # fmt: skip
    if not name.endswith("random"):
        half = passed(model, pool, declared, how="all in bfloat16")
        shown_features(honest, {"float64": in_64, "bfloat16": half.head.flatten(1)})  # type: ignore[union-attr]


def shown_features(honest: Tensor, others: dict[str, Tensor]) -> None:
    """How far handed-in features are from ours, in distances between different pictures."""
    ours = normalize(honest.double(), dim=1)
    usual = torch.cdist(ours, ours).median()
    off = {how: float((normalize(rows.double(), dim=1) - ours).norm(dim=1).max()) for how, rows in others.items()}
    away = torch.cdist(ours, ours) / usual
    away.fill_diagonal_(9.0)
    said = ", ".join(f"{how} {float(value / usual):.3f}" for how, value in off.items())
    print(f"    features off by, in median distances of pictures: {said}; of the nearest other picture "
          f"{float(away.min()):.3f}; accepted up to {AGREES}")  # fmt: skip


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", type=int, default=len(RANDOM), help="how many random networks")
    options = parser.parse_args()
    pools = [pool for pool in (drawn_pool(), cifar_pool(), strokes_pool()) if pool is not None]
    of = pools[1] if pools[1].name == "CIFAR-10" else pools[0]
    show_hashes([*pools, things_pool(), table_pool(of), *(views_pool(of, moved) for moved in (0.02, 0.05, 0.1))])
    few = [Pool(pool.name, pool.pictures[:60], pool.labels[:60]) for pool in pools]
    for pool in few:
        show_spread("resnet20, final.pth", *final_weights(), pool)
        for name in RANDOM[: options.networks]:
            show_spread(f"{name}, random", *random_weights(name), pool)
        if (network := pretrained()) is not None:
            show_spread("efficientnet_lite0, ImageNet", *network, pool)


if __name__ == "__main__":
    main()
