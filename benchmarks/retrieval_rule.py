"""How reliably the rule tells correct rankings from wrong ones, and each known mistake from the others.

    python benchmarks/retrieval_rule.py [--reports 100]

Reports of the lab's shape (10 classes, 5 library images and 1 query of each, the five best) are simulated on the
generated images of `fixtures/images` and, if `grade data fetch` has been run, on CIFAR-10's test images. Networks:
ResNet20 with the weights of `reference/final.pth`, AlexNet and ResNet18 with random weights, and EfficientNet-lite0
with those of ImageNet if the extra `pretrained` is installed. Honest variants differ in precision, batch and
resizing; each mistake of `grader/measures/ways.py` is made; some reports are shuffled, invented, or a place off.
"""

from __future__ import annotations

import argparse
import importlib.util
import multiprocessing
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from fixtures import images_build
from grader.collect.retrieval.comparison import Asked, Comparison, Scene
from grader.collect.retrieval.networks import TEMPLATE, own_pipeline
from grader.dataset import default_cache, find_cifar10
from grader.evidence import Match, Pipeline, ReportedQuery, ReportedRun
from grader.evidence.kinds.retrieval import TOP
from grader.measures.ranking_verdict import accepted, exact, named, nearest_honest
from grader.measures.ways import ALLOWED, DECLARED, Way, mistakes
from grader.probes.retrieval.extractors import Taps, build_extractor, read_off
from grader.probes.retrieval.passes import features_of, to_input
from grader.probes.retrieval.scores import COMPARE

FINAL = Path(__file__).parents[1] / "reference" / "final.pth"
EACH = 6  # pictures of a class in a report: five of the library and a query
CIFAR_IMAGES = 200
SEED = 20261126
WHOLLY = {"all in float64": torch.float64, "all in bfloat16": torch.bfloat16}
Table = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Pool:
    """Pictures with their classes."""

    name: str
    pictures: list[Image.Image]
    labels: list[int]


def drawn_pool() -> Pool:
    """The 60 drawn pictures of the fixtures."""
    made = sorted(images_build.pictures().items())
    names = sorted({Path(path).parent.name for path, _ in made if path.startswith("library")})
    labels = [names.index(Path(p).parent.name if p.startswith("library") else Path(p).stem) for p, _ in made]
    return Pool("drawn", [picture for _, picture in made], labels)


def cifar_pool() -> Pool | None:
    """The first test images of CIFAR-10, as many of each class."""
    images = find_cifar10(None, default_cache())
    if images is None:
        return None
    labels = images.labels("test")
    each = CIFAR_IMAGES // 10
    chosen = sorted(int(i) for label in range(10) for i in np.flatnonzero(labels == label)[:each])
    pixels = images.images("test")[chosen].transpose(0, 2, 3, 1)
    return Pool("CIFAR-10", [Image.fromarray(one) for one in pixels], [int(labels[i]) for i in chosen])


POOLS: dict[str, Callable[[], Pool | None]] = {"drawn": drawn_pool, "CIFAR-10": cifar_pool}
Network = tuple[nn.Module, Pipeline]  # what describes the pictures, and the pipeline that a report declares


def final_weights() -> Network:
    """The lab's own network."""
    with FINAL.open("rb") as file:
        given = {"weights": file.fileno()}
        return build_extractor({"model": "resnet20", "weights": "final.pth"}, given), own_pipeline()


def random_weights(model: str) -> Network:
    """A network of torchvision as it was drawn."""
    return build_extractor({"model": model, "weights": "random", "seed": 1}, {}), TEMPLATE


def pretrained() -> Network | None:
    """The one with weights of ImageNet that is a package."""
    if importlib.util.find_spec("efficientnet_lite_pytorch") is None:
        return None
    return build_extractor({"model": "efficientnet_lite0", "weights": "ImageNet"}, {}), TEMPLATE


NETWORKS: dict[str, Callable[[], Network | None]] = {
    "resnet20, final.pth": final_weights,
    "efficientnet_lite0, ImageNet": pretrained,
    "resnet18, random": partial(random_weights, "resnet18"),
    "alexnet, random": partial(random_weights, "alexnet"),
}


# --- passes over a pool ----------------------------------------------------------------------------------------


def passed(model: nn.Module, pool: Pool, declared: Pipeline, way: Way = DECLARED, how: str = "") -> Taps | None:
    """Every picture through the network: `how` is an honest way to compute otherwise."""
    model.eval()
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.train(way.training)
            module.momentum = 0.0
    x = torch.stack([to_input(picture, asdict(way.pipeline(declared))) for picture in pool.pictures])
    size = 1 if way.training or how == "one at a time" else 20
    kind = WHOLLY.get(how, torch.float32)  # weights, BatchNorm and all; the allowed way leaves the sums to float32
    weights = {name: value.clone() for name, value in model.state_dict().items()}
    if how == "channels last":
        x = x.contiguous(memory_format=torch.channels_last)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=way.bfloat16):
        model.to(kind)
        try:
            parts = [read_off(model, batch) for batch in x.to(kind).split(size)]
        except (ValueError, RuntimeError):
            return None
        finally:
            model.float().load_state_dict(weights)
    return Taps(*(torch.cat([getattr(part, name).float() for part in parts]) for name in Taps.__slots__))


Get = Callable[[NDArray[np.intp], NDArray[np.intp]], Table]  # of library and queries: scores (Q, L)


def tables(model: nn.Module, pool: Pool, declared: Pipeline, ways: tuple[Way, ...]) -> dict[str, Get]:
    """Scores of each way for any choice of pictures; a way that this network cannot go is left out."""
    seen: dict[tuple[Pipeline, bool, bool], Taps | None] = {}
    found: dict[str, Get] = {}
    for way in ways:
        key = (way.pipeline(declared), way.training, way.bfloat16)
        if key not in seen:
            seen[key] = passed(model, pool, declared, way)
        taps = seen[key]
        if taps is not None:
            found[way.name] = getter(features_of(taps, way.tap).double(), way.compare)
    return found


def getter(features: Tensor, compare: str) -> Get:
    """Scores of any library and queries from the features of the whole pool."""
    return lambda library, queries: COMPARE[compare](features[queries], features[library]).numpy()


# --- reports ---------------------------------------------------------------------------------------------------


def chosen(pool: Pool, random: np.random.Generator) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Five library pictures and a query of each class."""
    labels = np.array(pool.labels)
    drawn = np.stack([random.permutation(np.flatnonzero(labels == label))[:EACH] for label in np.unique(labels)])
    return drawn[:, :TOP].reshape(-1), drawn[:, TOP]


def report(table: Table, largest_first: bool, digits: int) -> Comparison:
    """The five best of each query as somebody prints them."""
    order = np.argsort(-table if largest_first else table, axis=1, kind="stable")[:, :TOP]
    rounded = np.round(np.take_along_axis(table, order, axis=1), digits)
    return comparison(order, rounded, table.shape[1], digits)


def comparison(order: NDArray[np.intp], scores: Table, size: int, digits: int) -> Comparison:
    """A report of these places and scores."""
    paths = tuple(f"library/{place:03}.png" for place in range(size))
    names = tuple(f"queries/{n}.png" for n in range(len(order)))
    queries = tuple(
        ReportedQuery(name, tuple(Match(paths[p], float(s)) for p, s in zip(row, values, strict=True)))
        for name, row, values in zip(names, order, scores, strict=True)
    )
    asked = tuple(
        Asked(q, n, tuple(int(p) for p in row)) for n, (q, row) in enumerate(zip(queries, order, strict=True))
    )
    run = ReportedRun("model", queries, metric="cosine")
    half = 0.5 * 10.0**-digits if digits < 7 else 0.0
    return Comparison(run, "cosine", Scene(None, None, paths, names), asked, (), half)  # type: ignore[arg-type]


def judged(made: Comparison, honest: Mapping[str, Table], wrong: Mapping[str, tuple[Way, Table]]) -> str:
    """What the grader says: "accepted", the name of a mistake, or "unexplained"."""
    runs = [made.compared(name, table) for name, table in honest.items()]
    if any(map(exact, runs)):
        return "accepted"
    suspicions = [made.suspicion(way, table) for way, table in wrong.values()]
    run = replace(nearest_honest(runs), suspicions=tuple(one for one in suspicions if one is not None))
    found = named(run)
    return "accepted" if accepted(run) else found.name if found else "unexplained"


def same(name: str, answer: str, tables_of: Mapping[str, Table]) -> bool:
    """Whether the named mistake is the one that was made, or gives the very same scores."""
    return name == answer or (answer in tables_of and np.allclose(tables_of[name], tables_of[answer], rtol=1e-5))


def simulate(
    model: nn.Module, declared: Pipeline, pool: Pool, reports: int, random: np.random.Generator
) -> dict[str, Counter[str]]:
    """Verdicts by what was done: honest variants, mistakes, inventions."""
    ways = (mistake.way for mistake in mistakes() if mistake.way.metric in (None, "cosine"))
    ways = tuple(way for way in ways if way.differs(declared))
    allowed = tables(model, pool, declared, (DECLARED, *ALLOWED))
    wrong = tables(model, pool, declared, ways)
    numeric = {
        how: getter(features_of(taps, "head").double(), "cosine")
        for how in (*WHOLLY, "one at a time", "channels last")
        if (taps := passed(model, pool, declared, how=how))
    }
    by_name = {way.name: way for way in ways}
    verdicts: dict[str, Counter[str]] = {}
    for nth in range(reports):
        library, queries = chosen(pool, random)
        digits = (4, 7)[nth % 2]
        honest = {name: get(library, queries) for name, get in allowed.items()}
        tried = {name: (by_name[name], get(library, queries)) for name, get in wrong.items()}
        of_wrong = {name: table for name, (_, table) in tried.items()}
        variants = {**honest, **{how: get(library, queries) for how, get in numeric.items()}}
        for name, table in variants.items():
            answer = judged(report(table, True, digits), honest, tried)
            verdicts.setdefault(f"honest: {name}", Counter())[answer] += 1
        for name, (way, table) in tried.items():
            if any(np.allclose(table, other, rtol=1e-6) for other in honest.values()) and way.largest_first:
                continue  # no mistake for this network: AlexNet has no BatchNorm
            answer = judged(report(table, way.largest_first, digits), honest, tried)
            right = "rightly named" if same(name, answer, of_wrong) else answer
            verdicts.setdefault(f"mistake: {name}", Counter())[right] += 1
        for name, made in inventions(honest[DECLARED.name], digits, random).items():
            verdicts.setdefault(f"invented: {name}", Counter())[judged(made, honest, tried)] += 1
    return verdicts


def simulated(task: tuple[str, str, int]) -> tuple[str, str, dict[str, Counter[str]]]:
    """One network on one pool, in a process of its own: what to print, the network's name, and verdicts."""
    place, name, reports = task
    pool = POOLS[place]()
    network = NETWORKS[name]()
    if pool is None or network is None:
        return f"{name} on {place} images: not here", name, {}
    random = np.random.default_rng([SEED, *map(ord, place + name)])
    found = simulate(*network, pool, reports, random)
    return f"{name} on {len(pool.pictures)} {place} images", name, found


def inventions(table: Table, digits: int, random: np.random.Generator) -> dict[str, Comparison]:
    """Rankings that nothing computed."""
    size = table.shape[1]
    order = np.argsort(-table, axis=1, kind="stable")
    best, scores = order[:, :TOP], np.round(np.sort(table, axis=1)[:, ::-1][:, :TOP], digits)
    anything = np.stack([random.permutation(size)[:TOP] for _ in range(len(table))])
    one_wrong = best.copy()
    one_wrong[:, 2] = order[:, size // 2]
    return {
        "the next query's list": comparison(np.roll(best, 1, axis=0), np.roll(scores, 1, axis=0), size, digits),
        "places 2 to 6": comparison(order[:, 1 : TOP + 1], scores, size, digits),
        "any five with the right scores": comparison(anything, scores, size, digits),
        "one false image in each list": comparison(one_wrong, scores, size, digits),
        "shuffled": comparison(random.permuted(best, axis=1), scores, size, digits),
    }


def main() -> None:
    """Simulate and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reports", type=int, default=100, help="per network, set of images and kind")
    options = parser.parse_args()
    trained: dict[str, Counter[str]] = {}
    drawn: dict[str, Counter[str]] = {}
    tasks = [(pool, name, options.reports) for name in NETWORKS for pool in POOLS]
    with multiprocessing.get_context("spawn").Pool(initializer=torch.set_num_threads, initargs=(1,)) as processes:
        for title, name, found in processes.imap(simulated, tasks):
            print(title, flush=True)
            for kind, counts in found.items():
                (drawn if name.endswith("random") else trained).setdefault(kind, Counter()).update(counts)
    show("trained networks", trained)
    show("random weights, which make all images look alike", drawn)


def show(title: str, total: Mapping[str, Counter[str]]) -> None:
    """One table, and what it comes to."""
    width = max(map(len, total), default=0)
    print(f"\n{title:{width}} {'reports':>8} {'accepted':>9} {'identified':>11} {'wrongly':>8} {'unexplained':>12}")
    for kind, counts in total.items():
        whole, right, none = counts.total(), counts["rightly named"], counts["unexplained"]
        wrongly = whole - right - none - counts["accepted"]
        print(f"{kind:{width}} {whole:8} {counts['accepted'] / whole:9.3f} {right / whole:11.3f} {wrongly:8} {none:12}")
    for group in ("honest", "mistake", "invented"):
        counts = sum((c for kind, c in total.items() if kind.startswith(group)), Counter())
        others = counts.total() - counts["accepted"] - counts["unexplained"] - counts["rightly named"]
        share = counts["accepted"] / counts.total()
        print(f"{group}: {counts.total()} reports, {share:.4f} accepted, {others} wrongly identified")


if __name__ == "__main__":
    main()
