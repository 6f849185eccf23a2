"""Sample grades as the grader makes them: one that went well, one blocked, one unjudged, one by an attacker."""

from __future__ import annotations

import base64
import struct
import zlib
from dataclasses import replace

import pytest

from grader.labs import the_lab
from grader.records import (
    Adjustment,
    Bar,
    Bars,
    Blocked,
    Criterion,
    Curve,
    Exhibit,
    Flag,
    Gallery,
    Grade,
    Judged,
    LabelledPicture,
    Listing,
    MadeBy,
    Mark,
    Matrix,
    Message,
    Picture,
    Point,
    Ranked,
    RankedQuery,
    Ranking,
    Series,
    Student,
    Table,
    Unjudged,
    Verdict,
    message,
)

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
COUNTS = (
    (868, 12, 33, 14, 9, 3, 6, 9, 33, 13),
    (9, 927, 2, 3, 1, 3, 4, 1, 11, 39),
    (41, 1, 775, 41, 47, 36, 38, 12, 6, 3),
    (14, 3, 37, 703, 37, 134, 41, 19, 7, 5),
    (8, 1, 36, 36, 845, 21, 24, 27, 2, 0),
    (5, 2, 22, 118, 28, 789, 9, 24, 1, 2),
    (5, 2, 24, 31, 16, 11, 903, 3, 4, 1),
    (9, 1, 14, 25, 31, 39, 3, 873, 1, 4),
    (38, 14, 6, 6, 2, 2, 4, 2, 911, 15),
    (18, 51, 3, 6, 1, 1, 3, 5, 15, 897),
)
TRAIN = (41.2, 56.9, 64.0, 68.4, 71.5, 73.6, 75.4, 76.6, 77.9, 78.8)
TRAIN += (84.6, 86.1, 86.7, 87.3, 87.6, 88.0, 88.3, 88.6, 88.8, 88.9)
TEST = (47.8, 55.1, 66.9, 63.2, 70.4, 74.9, 71.8, 76.2, 74.1, 77.3)
TEST += (83.4, 83.9, 84.1, 84.3, 84.4, 84.7, 84.6, 84.9, 84.8, 84.91)
HOSTILE = "</style><script>alert(1)</script><img src=x onerror=alert(2)>\u202etxt.exe\x1b[31m\x07\ud800 {name} [red]"

MADE_BY = MadeBy(
    grader="0.1.0",
    python="3.11.2",
    torch="2.14.1",
    rubric="5d0c9a1f" * 8,
    dataset="CIFAR-10, 10,000 test images",
    dataset_digest="8e2eb146" * 8,
    device="cpu",
    device_name="Intel Xeon Platinum 8481C",
    precision="bfloat16, close calls again in float32",
    batch_size=250,
    logits_digest="91ab33e0" * 8,
    sandbox="bubblewrap 0.8.0",
    command="grade submissions/ngada_12345_67890_lab5.zip --device cpu",
    graded_at="2026-03-02T14:05:09+00:00",
    lab=the_lab().title,
    lab_titles=the_lab().titles,
)
LAYOUT = Criterion("submission_layout", "Every file is there, and the data set is not.", 5)
ACCURACY = Criterion("measured_accuracy", "The trained network classifies CIFAR-10 test images correctly.", 30)
HISTORY = Criterion("training_history", "The training history agrees with the network.", 5)
RETRIEVAL = Criterion("retrieval_ranking", "The five nearest images are those that the network finds.", 10)
HIDDEN = Criterion("hidden_inputs", "Secret criterion for staff.", 7.25, audience="staff")


def accuracy_exhibits() -> tuple[Exhibit, ...]:
    lines = (("train, as it ran", TRAIN), ("test", TEST))
    return (
        Bars(message("Correct images per class"), tuple(Bar(c, COUNTS[n][n], 1000) for n, c in enumerate(CLASSES))),
        Matrix(message("Confusion matrix"), CLASSES, COUNTS),
        Curve(
            message("Training history beside what was measured"),
            message("epoch"),
            message("accuracy in percent"),
            tuple(Series(message(name), tuple((float(x), y) for x, y in enumerate(ys))) for name, ys in lines),
            (
                Point(message("measured"), 19, 84.91),
                Point(message("claimed in {source}", source="report.pdf"), 19, 99.9),
                Point(message("claimed in {source}", source="final.pth"), 19, 84.93),
            ),
            "%",
        ),
        wrong_images(),
        Table(
            message("Claimed and measured accuracy"),
            (message("Source"), message("Claimed"), message("Measured"), message("Note")),
            (
                ("final.pth", percents(0.8493), percents(0.8491), None),
                ("history.json, epoch 19", percents(0.8491), percents(0.8491), message("agrees")),
                (
                    "report.pdf, page 3",
                    percents(0.999),
                    percents(0.8491),
                    message("closer to the accuracy on training images"),
                ),
            ),
        ),
    )


def painted(name: str, red: int, green: int, blue: int, side: int = 8) -> Picture:
    """A PNG of one colour with a diagonal, written here so that no compressor's version shows in the gold file."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    rows = b"".join(
        b"\0" + b"".join(bytes((red, green, blue)) if x != y else b"\xff\xff\xff" for x in range(side))
        for y in range(side)
    )
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 0)) + chunk(b"IEND", b"")
    return Picture(name, "image/png", base64.b64encode(png).decode())


def wrong_images() -> Gallery:
    """The network was sure of these, and wrong."""
    seen = tuple(
        LabelledPicture(
            painted(f"test image {n * 577:,}", 20 * n, 200 - 15 * n, 90),
            (
                message("is a {truth}", truth=CLASSES[n % 10]),
                message("predicted: {answer} ({sure:.1%} sure)", answer=CLASSES[(n + 3) % 10], sure=0.999 - n / 200),
            ),
        )
        for n in range(12)
    )
    return Gallery(message("The most confidently wrong images"), seen)


def rankings(model: str, queries: int = 3) -> Ranking:
    """Every class has five pictures; the second of them is found by one side only, and two have no picture."""
    pictures, asked = [], []
    for n in range(queries):
        label = CLASSES[n]
        paths = [f"{label}/{k}.jpg" for k in range(5)]
        pictures += [painted(path, 25 * n, 40 * k, 120) for k, path in enumerate(paths[:4])]
        pictures.append(painted(f"queries/{label}.png", 25 * n, 200, 200))
        ours = tuple(Ranked(path, 0.91 - k / 50, right=True, agreed=k != 1 or n == 0) for k, path in enumerate(paths))
        stranger = Ranked(f"{CLASSES[n + 1]}/9.jpg", 0.8912, right=False, agreed=False)
        theirs = (ours[0], stranger, *ours[2:]) if n else ours
        asked.append(RankedQuery(f"queries/{label}.png", label, theirs, ours, accepted=n != 1))
    return Ranking(message("Rankings of {model}", model=model), tuple(asked), tuple(pictures))


def percents(share: float) -> Message:
    return message("{share:.2%}", share=share)


def judged(
    criterion: Criterion, credit: float, reason: Message, *hints: Message, show: tuple[Exhibit, ...] = ()
) -> Mark:
    return Mark(criterion, Judged(criterion.check, Verdict(credit, reason, hints, show)))


def accuracy() -> Mark:
    reason = message(
        "{correct:,} of {count:,} test images are right: {accuracy:.2%} (95% interval {low:.2%} to {high:.2%}).",
        correct=8491,
        count=10000,
        accuracy=0.8491,
        low=0.8419,
        high=0.8560,
    )
    longer = message("Train for more epochs, with random crops of 4 pixels and horizontal flips.")
    look = message("Cats and dogs are confused most: look at the images that {file} gets wrong.", file="final.pth")
    return judged(ACCURACY, 0.9034, reason, longer, look, show=accuracy_exhibits())


def layout() -> Mark:
    listing = Listing(message("What is in {archive}", archive="lab5.zip"), ("exp2.py", "final.pth", "history.json"))
    hint = message("Hand in the written report as report.pdf or report.md.")
    inputs = Table(message("Inputs tried"), (message("Input"),), (("sin(7 x)",),), audience="staff")
    printed = Listing(message("Traceback of the grader"), ("in secret.py",), audience="staff")
    reason = message("One file is missing: {file}.", file="report.pdf")
    return judged(LAYOUT, 0.8, reason, hint, show=(listing, inputs, printed))


def retrieval() -> Mark:
    reason = message("{k} of {n} queries are ranked as the network ranks them.", k=5, n=6)
    return judged(RETRIEVAL, 0.8333, reason, show=(rankings("resnet50"), rankings("alexnet")))


def well_done() -> Grade:
    """What most grades look like: nearly all points, one wrong claim, one flag, one criterion for staff only."""
    agrees = message("All {count} epochs are there; the last differs by {gap:.2f} points.", count=20, gap=0.0)
    claim = message("The report claims {claim:.1%}; {measured:.2%} was measured.", claim=0.999, measured=0.8491)
    return Grade(
        student=Student("Ada Ng 吴雅达", "12345", "canvas", "ada@example.edu", late=True),
        digest="c0ffee00" * 8,
        archive="ngada_LATE_12345_67890_lab5.zip",
        marks=(
            layout(),
            accuracy(),
            judged(HISTORY, 1.0, agrees),
            judged(HIDDEN, 0.5, message("Half of the hidden inputs agree.")),
        ),
        accuracy=0.8491,
        made_by=MADE_BY,
        flags=(Flag("claim", claim),),
        notes=(
            message("Set aside: {name} (macOS puts it into every zip).", name="__MACOSX/"),
            message("One folder around everything was taken off: {name}.", name="lab5 作业/"),
        ),
        adjustments=(Adjustment(-5, "two days late", "Dr Li", "2026-03-03"),),
    )


def retrieved() -> Grade:
    """The same with the rankings of two models."""
    return replace(well_done(), marks=(*well_done().marks, retrieval()))


def blocked() -> Grade:
    """An archive that was refused: every finding is Blocked by one cause."""
    cause = message("{file} is an HTML page, not a zip: download it again while you are logged in.", file="lab5.zip")
    marks = tuple(Mark(c, Blocked(c.check, cause)) for c in (LAYOUT, ACCURACY, HISTORY))
    return Grade(Student("Ben Okafor"), "00" * 32, "lab5.zip", marks, None, MadeBy("0.1.0", "3.11.2"), unusable=True)


def unjudged() -> Grade:
    """CIFAR-10 is not there: the accuracy has no mark, the rest has."""
    fault = message("CIFAR-10 is not on this machine. Run {command}.", command="grade data fetch")
    output = Listing(message("What went wrong"), tuple(f"  line {n} of a traceback" for n in range(20)))
    marks = list(well_done().marks)
    marks[1] = Mark(ACCURACY, Unjudged("measured_accuracy", fault, (output,)))
    return replace(well_done(), marks=tuple(marks), accuracy=None, adjustments=(), flags=())


def hostile() -> Grade:
    """Every text that a student can reach holds markup, escape codes and overrides, and is far too long."""
    text = HOSTILE + "𝔊" * 300
    one = Message("{text} was read as {number:.2%}", (("text", text), ("number", float("nan"))))
    broken = Series(one, ((0.0, float("nan")), (1.0, 1e300), (float("nan"), 2.0)))
    exhibits: tuple[Exhibit, ...] = (
        Table(one, (one, message("b")), ((text, one), (10**400, float("inf")), (None, True))),
        Bars(one, (Bar(text, 3, 0), Bar("over", 9, 3), Bar("x", 0, 10))),
        Matrix(one, (text, "b"), ((1, 2), (0, 0))),
        Curve(one, one, one, (broken,), (Point(one, 1, 2),)),
        Curve(one, one, one, (Series(one, ((0.0, float("inf")),)), Series(one, ()))),
        Listing(one, (text,) * 1000),
    )
    pictures: tuple[Exhibit, ...] = (
        Gallery(one, (LabelledPicture(Picture(text, "image/png", text), (text, one)),) * 100),
        Ranking(one, (RankedQuery(text, text, (Ranked(text, float("nan"), True, False),) * 50, (), False),) * 100),
    )
    marks = (judged(ACCURACY, 0.5, one, one, show=(*exhibits, *pictures)), Mark(HISTORY, Blocked("y", one, exhibits)))
    made_by = MadeBy(text, text, command=text, graded_at=text)
    return Grade(
        student=Student(text, text, "moodle", text),
        digest=text,
        archive=text,
        marks=marks,
        accuracy=None,
        made_by=made_by,
        flags=(Flag(text, one, exhibits),),
        notes=(one,),
        adjustments=(Adjustment(-1.005, text, text, text),),
    )


SAMPLES = {make.__name__: make for make in (well_done, retrieved, blocked, unjudged, hostile)}


@pytest.fixture(params=SAMPLES)
def any_grade(request: pytest.FixtureRequest) -> Grade:
    """Each of the sample grades in turn."""
    return SAMPLES[request.param]()


_well_done = pytest.fixture(name="well_done")(well_done)
_retrieved = pytest.fixture(name="retrieved")(retrieved)
_blocked = pytest.fixture(name="blocked")(blocked)
_unjudged = pytest.fixture(name="unjudged")(unjudged)
_hostile = pytest.fixture(name="hostile")(hostile)
