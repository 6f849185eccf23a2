"""Tasks 4.1 and 4.2: find the images of a library that are most similar to a query.

    python retrieve.py                                    library/ and queries/, ResNet50 and AlexNet, ImageNet weights
    python retrieve.py --weights random --metric euclidean

Each image of the library is in the folder of its class, library/cat/1.jpg; a query is in such a folder too, or is
named after its class, queries/cat.jpg. The script prints the five best matches of each query and writes
retrieval.json, features.npz and, for each model, a picture of the matches, retrieval_<model>.png.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from extract_features import (
    Extractor,
    check,
    extract,
    images_in,
    load_all,
    parse,
    path_of,
    read_image,
    write_features,
)
from lab import LabError, listed, plain_errors, write_whole
from torch import Tensor

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TOP = 5  # the lab asks for the five best matches
ENOUGH = 50  # the lab asks for a library of this many images
METRICS = {"cosine": True, "euclidean": False}  # True if a larger score is better
DIGITS = 6  # of a score in retrieval.json; float32 has seven
SHEET_QUERIES = 40  # more rows than this nobody looks through


def similarity(queries: Tensor, library: Tensor, metric: str) -> Tensor:
    """The score of each library image for each query: from rows of length one, (Q, D) and (L, D), to (Q, L).

    "cosine" is the cosine of the angle between two rows, 1 for equal rows; "euclidean" is their distance, 0 for equal
    rows. Raises ValueError for any other metric.
    """
    if metric not in METRICS:
        raise ValueError(f"unknown metric '{metric}': use one of {listed(METRICS)}")
    # BEGIN SOLUTION 4.1: the cosine or the Euclidean distance between every query and every library image
    if metric == "cosine":
        return queries @ library.T  # rows of length one: the dot product is the cosine
    # not by |q|^2 + |l|^2 - 2 q l, which loses the difference of vectors that are nearly the same
    return torch.cdist(queries, library, compute_mode="donot_use_mm_for_euclid_dist")
    # END SOLUTION


def top_k(scores: Tensor, k: int, largest: bool) -> Tensor:
    """The positions (not the scores) of the k best scores of each row, best first: from (Q, L) to int64 (Q, k).

    The best scores are the largest or the smallest. Equal scores keep the order of the library.
    """
    # BEGIN SOLUTION 4.2: the positions of the k best scores of each row, best first, ties in library order
    return scores.sort(dim=1, descending=largest, stable=True).indices[
        :, :k
    ]  # topk() keeps no order among equal scores
    # END SOLUTION


class Item(NamedTuple):
    """An image of the library or a query."""

    path: str  # in the library without its folder, "cat/1.jpg"; of a query with its folder, "queries/cat.jpg"
    label: str  # its class
    sha256: str  # of the file
    file: Path


Matches = tuple[tuple[tuple[Item, float], ...], ...]


@dataclass(frozen=True)
class Run:
    """What one model found."""

    extractor: Extractor
    dim: int
    metric: str
    matches: Matches  # the five best for each query, with their scores

    def claimed(self, queries: Sequence[Item]) -> dict[str, float]:
        """Precision@5 and top-1: the fraction of matches that are of the query's class."""
        right = [
            [item.label == query.label for item, _ in row] for query, row in zip(queries, self.matches, strict=True)
        ]
        precision = sum(map(sum, right)) / (TOP * len(right))
        return {
            "precision_at_5": round(precision, DIGITS),
            "top1": round(sum(row[0] for row in right) / len(right), DIGITS),
        }

    def title(self, queries: Sequence[Item]) -> str:
        """Model, metric and accuracy, for the user."""
        claimed = self.claimed(queries)
        figures = f"precision@5 {claimed['precision_at_5']:.1%}, top-1 {claimed['top1']:.1%}"
        return f"{self.extractor.title()}, {self.metric}: {figures}"


def library_in(root: Path) -> list[Item]:
    """The images below `root`; the class of each is its folder. Raises LabError."""
    files = images_in(root)
    loose = next((file for file in files if file.parent == root), None)
    if loose:
        raise LabError(f"{loose} has no class: move it into the folder of its class, {root}/<class>/{loose.name}")
    if len(files) < TOP:
        raise LabError(f"{root} holds {len(files)} images, too few for {TOP} matches: the lab asks for {ENOUGH}")
    return [Item(file.relative_to(root).as_posix(), file.parent.name, digest(file), file) for file in files]


def queries_in(root: Path) -> list[Item]:
    """The images in `root`; the class of each is its folder or, without a folder, its name. Raises LabError."""
    files = images_in(root)
    labels = [file.stem if file.parent == root else file.parent.name for file in files]
    return [Item(path_of(file, root), label, digest(file), file) for file, label in zip(files, labels, strict=True)]


def digest(file: Path) -> str:
    """The SHA-256 of the file. Raises LabError."""
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError as error:
        raise LabError(f"cannot read {file}: {error.strerror}") from error


def problems(library: Sequence[Item], queries: Sequence[Item]) -> list[str]:
    """What does not meet the requirements of the lab, one sentence each."""
    found = []
    if len(library) < ENOUGH:
        found.append(f"the library holds {len(library)} images, but the lab asks for {ENOUGH}")
    of_content = {item.sha256: item.path for item in library}
    for query in queries:
        if query.sha256 in of_content:
            found.append(f"{query.path} is also in the library, as {of_content[query.sha256]}: choose another query")
    labels = {item.label for item in library}
    for query in queries:
        if query.label not in labels:
            found.append(f"{query.path}: the library has no class '{query.label}'; name the query after its class")
    return found


def rank(extractor: Extractor, metric: str, library: Sequence[Item], features: Tensor) -> Run:
    """The five best matches for each query; `features` are (L + Q, D), those of the library first."""
    of_library, of_queries = torch.tensor_split(features, [len(library)])  # (L, D), (Q, D)
    scores = similarity(of_queries, of_library, metric)  # (Q, L)
    best = top_k(scores, TOP, METRICS[metric])  # (Q, 5)
    pairs = zip(best.tolist(), scores.gather(1, best).tolist(), strict=True)
    matches = tuple(tuple((library[place], score) for place, score in zip(*row, strict=True)) for row in pairs)
    return Run(extractor, features.shape[1], metric, matches)


def report(library_root: Path, library: Sequence[Item], queries: Sequence[Item], runs: Sequence[Run]) -> bytes:
    """The content of retrieval.json, schema retrieval-report/1."""
    items = [{"path": item.path, "class": item.label, "sha256": item.sha256} for item in library]
    head = {"schema": "retrieval-report/1", "library": {"root": library_root.absolute().name, "items": items}}
    content = {**head, "runs": [record(run, queries) for run in runs]}
    return (json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def record(run: Run, queries: Sequence[Item]) -> dict[str, Any]:
    """The entry of one model in retrieval.json."""
    extractor = run.extractor
    seed = {} if extractor.seed is None else {"seed": extractor.seed}
    answers = []
    for query, row in zip(queries, run.matches, strict=True):
        results = [
            {"rank": place, "path": item.path, "score": round(score, DIGITS)}
            for place, (item, score) in enumerate(row, 1)
        ]
        answers.append({"query": query.path, "class": query.label, "sha256": query.sha256, "results": results})
    return {
        "model": extractor.name,
        "weights": extractor.weights,
        **seed,
        "layer": extractor.layer,
        "dim": run.dim,
        "metric": run.metric,
        "preprocess": asdict(extractor.preprocess),
        "claimed": run.claimed(queries),
        "queries": answers,
    }


def table(run: Run, queries: Sequence[Item]) -> str:
    """The ranking to print; an asterisk marks a match of the query's class."""
    lines = [run.title(queries), "(* of the query's class)"]
    for query, row in zip(queries, run.matches, strict=True):
        lines.append(f"\n  {query.path}")
        for place, (item, score) in enumerate(row, 1):
            lines.append(f"    {place}  {score:8.4f}  {'*' if item.label == query.label else ' '} {item.path}")
    return "\n".join([*lines, ""])


def sheet(run: Run, queries: Sequence[Item]) -> bytes:
    """Each query beside its five matches with their scores, as a PNG."""
    from matplotlib import font_manager, rc_context
    from matplotlib.figure import Figure  # without pyplot, which would look for a screen
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    shown = queries[:SHEET_QUERIES]
    rest = f"; the first {len(shown)} of {len(queries)} queries" if len(queries) > len(shown) else ""
    wanted = ("DejaVu Sans", "Microsoft YaHei", "PingFang SC", "Noto Sans CJK SC", "Noto Sans CJK JP")  # 猫 is a class
    fonts = [name for name in wanted if name in font_manager.get_font_names()]
    with rc_context({"font.family": fonts, "font.size": 8}):
        layout = ConstrainedLayoutEngine(h_pad=0.08, w_pad=0.06)
        figure = Figure(figsize=(1.6 * (TOP + 1), 2 * len(shown) + 0.6), layout=layout)
        figure.suptitle(f"{run.title(queries)}{rest}\n✓ of the query's class   ✗ of another", fontsize=10)
        grid = figure.subplots(len(shown), TOP + 1, squeeze=False)
        for cells, query, row in zip(grid, shown, run.matches, strict=False):
            draw(cells[0], query, "query", ("black", "-"))
            for place, (cell, (item, score)) in enumerate(zip(cells[1:], row, strict=True), 1):
                right = item.label == query.label
                style = (
                    ("tab:blue", "-") if right else ("tab:orange", (0, (2, 2)))
                )  # distinguishable without colours, too
                draw(cell, item, f"{place}.  {score:.4f}  {'✓' if right else '✗'}", style)
        image = io.BytesIO()
        figure.savefig(image, format="png", dpi=100)
    return image.getvalue()


def draw(cell: Axes, item: Item, title: str, style: tuple[str, Any]) -> None:
    """Draw one picture in a frame, with its path below."""
    picture = read_image(item.file)
    picture.thumbnail((200, 200))
    cell.imshow(picture)
    cell.set(xticks=[], yticks=[], title=title)
    path = item.path if len(item.path) <= 24 else f"...{item.path[-21:]}"
    cell.set_xlabel(path, parse_math=False)  # a dollar sign in a file name is not a formula
    for spine in cell.spines.values():
        spine.set(color=style[0], linestyle=style[1], linewidth=3)


def main(arguments: Sequence[str] | None = None) -> None:
    """Retrieve as the command line says; write the report, features and pictures to the output folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--metric", default="cosine", metavar="NAME", help=f"{listed(METRICS)}; default: cosine")
    parser.add_argument("--library", type=Path, default=Path("library"), metavar="FOLDER", help="default: library")
    parser.add_argument("--queries", type=Path, default=Path("queries"), metavar="FOLDER", help="default: queries")
    options = parse(parser, arguments)
    with plain_errors("retrieve.py"):
        run_all(options)


def run_all(options: argparse.Namespace) -> None:
    """Run every model on every query. Raises LabError."""
    check("--metric", METRICS, options.metric)
    library, queries = library_in(options.library), queries_in(options.queries)
    for sentence in problems(library, queries):
        print(f"retrieve.py: note: {sentence}", file=sys.stderr)
    items = [*library, *queries]
    runs, features = [], {}
    for extractor in load_all(options):
        rows = extract(extractor, [item.file for item in items], options.device)
        run = rank(extractor, options.metric, library, rows)
        write_whole(options.out / f"retrieval_{extractor.name}.png", sheet(run, queries))
        show(table(run, queries))
        features[extractor.name] = rows
        runs.append(run)
    names = [path_of(item.file, options.library) for item in library] + [query.path for query in queries]
    write_features(options.out / "features.npz", names, features)
    write_whole(options.out / "retrieval.json", report(options.library, library, queries, runs))


def show(text: str) -> None:
    """Print, replacing characters that the console cannot show (in a file name on code page 936, say)."""
    encoding = sys.stdout.encoding or "utf-8"
    print(text.encode(encoding, "replace").decode(encoding))


if __name__ == "__main__":
    main()
