"""Rankings computed anew: each basis, and each mistake of the bank by its scores alone."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fixtures import IMAGES
from fixtures.stories import rankings as made
from grader.collect import Equipment
from grader.collect.budget import Budget
from grader.collect.code.caller import Caller
from grader.collect.retrieval import look_at_retrieval
from grader.collect.retrieval.comparison import Turn
from grader.collect.subject import Subject
from grader.evidence import ComparedRun, Crashed, OpenTask, OutOfMemory, Refused, TimedOut, Unavailable
from grader.intake import Archive, open_submission
from grader.measures.ranking_verdict import accepted, agreeing, named, undecided
from grader.measures.ways import ALLOWED
from grader.records import Student, message
from grader.sandbox import Job, Limits, Reply, Sandbox

Look = Callable[..., tuple[ComparedRun, ...]]


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_an_honest_report_is_accepted_and_nothing_is_suspected(look, metric):
    runs = look([made.run(model, metric=metric) for model in made.MODELS])
    assert [(run.basis, accepted(run), run.suspicions) for run in runs] == [("images", True, ())] * 2
    assert (
        runs[0].example
        == runs[0].queries[0].ours[0].score
        == pytest.approx(runs[0].queries[0].theirs[0].score, abs=1e-5)
    )


@pytest.mark.parametrize("way", [way for way in ALLOWED if way.tap == "head"], ids=lambda way: way.name)
def test_an_allowed_way_that_the_report_does_not_state_is_accepted(look, way):
    (run,) = look([made.run("resnet20", way)])
    assert accepted(run)


def test_lists_that_a_mistake_hardly_changes_are_not_taken_for_right_ones(look):
    way = next(m.way for m in made.mistakes() if m.way.name == "CIFAR-10's mean and deviation")
    (run,) = look([made.run("resnet20", way)])
    assert len(agreeing(run)) >= len(run.queries) / 2
    assert not accepted(run)
    found = named(run)
    assert found is not None and found.name == way.name


def test_what_the_report_leaves_out_is_taken_and_said(look):
    bare = made.run("resnet20")
    for name in ("weights", "metric", "preprocess", "claimed"):
        del bare[name]
    bare["weights"] = "final.pth"
    (run,) = look([bare])
    assert accepted(run)
    assert {one.english().split(" is not stated")[0] for one in run.assumed} == {"the metric", "the preprocessing"}


def test_scores_that_were_rounded_to_two_digits_are_not_held_against_it(look):
    rounded = made.run("mlp")
    for answer in rounded["queries"]:
        for result in answer["results"]:
            result["score"] = round(result["score"], 3)
    (run,) = look([rounded])
    assert accepted(run)


def test_a_mistake_under_the_euclidean_distance_is_named_too(look):
    way = next(m.way for m in made.mistakes() if m.way.training)
    (run,) = look([made.run("resnet20", way, "euclidean")])
    found = named(run)
    assert found is not None and found.name == way.name


def features(model: str, key: str = "resnet50", change: Callable[[np.ndarray], np.ndarray] = np.copy) -> bytes:
    rows = change(made.features_of(made.seen_by(model, made.PIPELINE, False), "head").numpy())
    out = io.BytesIO()
    paths = np.array([*made.paths("library"), *made.paths("queries")])
    np.savez(out, paths=paths, **{key: rows.astype(np.float32)})
    return out.getvalue()


def as_resnet50() -> dict[str, Any]:
    """The demo's features under a name whose weights are not on this machine."""
    return {**made.run("resnet20"), "model": "resnet50", "weights": "IMAGENET1K_V1"}


def test_without_weights_features_that_nobody_can_verify_are_no_basis(look):
    (run,) = look([as_resnet50()], {"features.npz": features("resnet20")})
    assert run.basis == "report"
    assert run.ours
    assert run.why_not is not None and "grade weights fetch resnet50" in run.why_not.english()


def declared(**preprocess) -> dict[str, Any]:
    """The right scores under another declaration."""
    report = made.run("resnet20")
    return {**report, "preprocess": {**report["preprocess"], **preprocess}}


@pytest.mark.parametrize("how", [{"resize": 64, "crop": 40}, {"crop": 1}, {"resize": 8, "crop": 5}], ids=str)
def test_a_declaration_that_the_network_cannot_use_leaves_the_report_alone(look, how):
    """AlexNet has nothing left of so few pixels; features that are handed in instead can hold anything."""
    report = {**declared(**how), "model": "alexnet", "weights": "random", "seed": 3}
    (run,) = look([report], {"features.npz": features("resnet20", "alexnet")})
    assert (run.basis, run.ours) == ("report", False)
    assert run.why_not is not None and "'preprocess' in retrieval.json" in run.why_not.english()


@pytest.mark.parametrize("how", [{"crop": 1024}, {"crop": 513}, {"resize": 513}, {"resize": 600, "crop": 0}], ids=str)
def test_sides_above_the_bound_are_not_recomputed_and_said_to_the_student(look, how):
    (run,) = look([declared(**how)])
    assert (run.basis, run.ours) == ("report", False)
    assert run.why_not is not None
    assert "Use at most 512; usual is resize 32, crop 32, bilinear." in run.why_not.english()


@pytest.mark.parametrize("how", [{"resize": 31, "crop": 31}, {"crop": 8}, {"resize": 8, "crop": 0}], ids=str)
def test_sides_below_the_bound_are_not_recomputed_and_said_to_the_student(look, how):
    (run,) = look([declared(**how)])
    assert (run.basis, run.ours) == ("report", False)
    assert run.why_not is not None
    assert "fewer than 32 pixels a side" in run.why_not.english()


@pytest.mark.parametrize(
    "how", [{"mean": [1e30] * 3}, {"std": [0.0] * 3}, {"std": [float("nan")] * 3}, {"crop": -5}], ids=str
)
def test_a_declaration_that_no_preparation_has_is_as_good_as_none(look, how):
    (run,) = look([declared(**how)])
    assert (run.basis, accepted(run)) == ("images", True)
    assert [one.english().split(";")[0] for one in run.assumed] == ["the preprocessing is not stated"]


@pytest.mark.parametrize("std", [1e-45, 1e-300])
def test_a_deviation_that_leaves_no_numbers_leaves_the_report_alone(look, std):
    (run,) = look([declared(std=[std] * 3)])
    assert (run.basis, run.ours) == ("report", False)
    assert run.why_not is not None and "'preprocess' in retrieval.json" in run.why_not.english()


@pytest.mark.parametrize("how", [{"std": [9e3] * 3}, {"mean": [-9e3] * 3}], ids=str)
def test_numbers_that_make_all_images_alike_decide_no_order(look, how):
    (run,) = look([declared(**how)])
    assert (run.basis, len(undecided(run))) == ("images", 10)
    assert not accepted(run)


def test_a_report_alone_names_the_images_as_they_were_handed_in(look):
    report = declared(crop=8)
    first = report["queries"][0]["results"][0]
    first["path"] = "/".join(first["path"].split("/")[-2:])
    (run,) = look([report])
    assert {match.path for query in run.queries for match in query.theirs} <= set(made.paths("library"))


def test_pictures_of_different_shapes_that_are_not_cropped_are_recomputed(look):
    """ResNet20 pools: each picture has its features, whatever its shape, but the maps before have no common shape."""
    paths = made.paths("library")
    wide = Image.open(IMAGES / paths[0]).resize((144, 96))
    data = io.BytesIO()
    wide.save(data, "PNG")
    (run,) = look([declared(crop=0)], {paths[0]: data.getvalue()})
    assert run.basis == "images"
    assert max(error for query in run.queries for error in query.errors) < 1e6


class Slow:
    """A sandbox in which recomputing all images runs into its limit; `most` jobs are answered before.

    The ordinary network takes `machine` seconds for a picture there.
    """

    name = "slow"
    isolated = True

    def __init__(self, sandbox: Sandbox, outcome: object, most: int = 0, machine: float = 0.1) -> None:
        self.sandbox, self.outcome, self.left, self.machine = sandbox, outcome, most, machine
        self.for_code = sandbox.for_code

    def run(self, job: Job) -> object:
        if job.probe == "retrieval.scores.compute_scores":
            self.left -= 1
            if self.left < 0:
                return self.outcome
        if job.probe == "machine.time_ordinary_network":
            return Reply({"seconds": self.machine}, {})
        return self.sandbox.run(job)


@pytest.mark.parametrize("outcome", [TimedOut(100.0), OutOfMemory(4_000)], ids=["time", "memory"])
def test_what_exceeds_the_budget_where_an_ordinary_network_would_not_leaves_the_report_alone(
    look, shared_sandbox, outcome
):
    (run,) = look([declared(resize=300, crop=300)], sandbox=Slow(shared_sandbox, outcome))
    assert (run.basis, run.ours) == ("report", False)
    assert run.why_not is not None and "at most 256 pixels" in run.why_not.english()


class Forked:
    """A sandbox in which rankings go out of memory where they are computed in several processes."""

    name, isolated = "forked", True

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox, self.for_code = sandbox, sandbox.for_code

    def run(self, job: Job) -> object:
        if job.probe == "retrieval.scores.compute_scores" and job.inputs["threads"] > 1:
            return OutOfMemory(4_000)
        return self.sandbox.run(job)


def test_where_several_processes_need_too_much_memory_one_computes_the_ranking(look, shared_sandbox):
    (run,) = look([made.run("resnet20")], sandbox=Forked(shared_sandbox), threads=4)
    assert run.basis == "images" and accepted(run)


@pytest.mark.parametrize(
    ("outcome", "machine"), [(TimedOut(100.0), 3.0), (OutOfMemory(2_000), 0.1)], ids=["time", "memory"]
)
def test_what_a_slow_machine_does_not_do_is_for_staff_and_costs_the_other_networks_nothing(
    look, shared_sandbox, outcome, machine
):
    slow = Slow(shared_sandbox, outcome, most=1, machine=machine)
    first, second = look([made.run(model) for model in made.MODELS], sandbox=slow)
    assert first.basis == "images" and accepted(first)
    assert (second.basis, second.ours) == ("report", True)


@pytest.mark.parametrize("outcome", [TimedOut(600.0), OutOfMemory(4_000)], ids=["time", "memory"])
def test_mistakes_that_cannot_be_tried_leave_the_ranking_judged(look, shared_sandbox, outcome):
    way = next(mistake.way for mistake in made.mistakes() if mistake.way.name == "logits")
    (run,) = look([made.run("resnet20", way)], sandbox=Slow(shared_sandbox, outcome, most=2))
    assert run.basis == "images" and not accepted(run)


def test_features_count_where_recomputed_ones_agree_with_a_sample(look, shared_sandbox):
    slow = Slow(shared_sandbox, TimedOut(600.0))
    (run,) = look([made.run("resnet20")], {"features.npz": features("resnet20", "resnet20")}, sandbox=slow)
    assert run.basis == "features" and accepted(run)


def forged(rows: np.ndarray) -> np.ndarray:
    """The list that is reported follows from any rows: here those of the next pictures."""
    return np.roll(rows, 7, axis=0)


def right_in_a_few(rows: np.ndarray) -> np.ndarray:
    """What is looked at first is right: the sample is of any."""
    return np.concatenate([rows[:10], forged(rows)[10:]])


@pytest.mark.parametrize("change", [forged, right_in_a_few, np.zeros_like], ids=lambda change: change.__name__)
def test_forged_features_leave_the_report_alone(look, shared_sandbox, change):
    data = features("resnet20", "resnet20", change)
    slow = Slow(shared_sandbox, TimedOut(600.0))
    (run,) = look([made.run("resnet20")], {"features.npz": data}, sandbox=slow)
    assert run.basis == "report"


def test_a_network_that_takes_long_leaves_the_others_their_turn():
    budget = Budget(Limits(600.0, 4_000))
    equipment = Equipment(message("no images"), None, budget=budget)  # type: ignore[arg-type]
    turn = Turn.begin(equipment, waiting=3)
    assert (turn.left().seconds, turn.left(sample=True).seconds) == pytest.approx((180.0, 200.0))
    budget.take(Job("retrieval.scores.compute_scores", limits=turn.left(sample=True)), 300.0)
    assert turn.left(sample=True).seconds == 1.0
    assert Turn.begin(equipment, waiting=2).left(sample=True).seconds == pytest.approx(200.0)


def test_the_budget_is_that_of_the_command_line(look, shared_sandbox):
    asked: list[Limits] = []

    class Listening(Slow):
        def run(self, job: Job) -> object:
            if job.probe.startswith("retrieval.scores"):
                asked.append(job.limits)
            return self.sandbox.run(job)

    look([made.run("resnet20")], sandbox=Listening(shared_sandbox, None), limits=Limits(300.0, 2_000))
    assert asked and all(limits.seconds <= 270.0 and limits.megabytes == 2_000 for limits in asked)


def test_one_network_under_two_names_has_one_digest(look):
    names = ("resnet20", "resnet56", "my network")
    *same, other = look([*({**made.run("resnet20"), "model": name} for name in names), made.run("mlp")])
    assert len({run.network for run in same}) == 1
    assert other.network not in {run.network for run in same}


@pytest.mark.parametrize(
    "data",
    [b"", b"PK\x03\x04 broken", features("mlp")[:500], "pickled"],
    ids=["empty", "broken", "cut off", "pickled"],
)
def test_features_that_cannot_be_used_leave_the_report_alone(look, data):
    if data == "pickled":
        out = io.BytesIO()
        np.savez(out, paths=np.array(["library/a.png"], dtype=object), resnet50=np.zeros((1, 4)))
        data = out.getvalue()
    (run,) = look([as_resnet50()], {"features.npz": data})
    assert run.basis == "report"


def test_without_pictures_only_the_report_is_left_and_says_what_to_hand_in(look):
    (run,) = look([made.run("resnet20")], pictures=False)
    assert run.basis == "report"
    assert not accepted(run)
    assert run.why_not is not None and "library/" in run.why_not.english()
    assert [query.sound.kept for query in run.queries] == [5] * 10


def test_images_that_were_not_handed_in_are_named_and_the_other_queries_are_compared(look):
    report = made.run("resnet20")
    report["queries"][0]["query"] = "queries/unknown.png"
    report["queries"][1]["results"][2]["path"] = "elsewhere/77.png"
    (run,) = look([report])
    assert run.missing == ("queries/unknown.png", "elsewhere/77.png")
    assert (len(run.queries), run.absent) == (9, 1)
    assert run.queries[0].sound.kept == 4


class Broken:
    """A sandbox in which computing anew crashes, which says nothing about the student."""

    name = "broken"
    isolated = True

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.for_code = sandbox.for_code

    def run(self, job: Job) -> object:
        return Crashed("boom") if job.probe == "retrieval.scores.compute_scores" else self.sandbox.run(job)


def test_a_fault_of_ours_is_no_low_mark(tmp_path, shared_sandbox):
    folder = tmp_path / "in"
    shutil.copytree(IMAGES, folder)
    shutil.copy(made.DEMO_SUBMISSION / "final.pth", folder)
    report = {"schema": "retrieval-report/1", "runs": [made.run("resnet20")]}
    (folder / "retrieval.json").write_text(json.dumps(report), encoding="utf-8")
    submission = open_submission(Archive(folder, Student("Ada")), tmp_path / "unpacked")
    equipment = Equipment(message("no images"), Broken(shared_sandbox))  # type: ignore[arg-type]
    assert look_at_retrieval(Subject(submission, equipment, Caller(submission, None))).compared == Crashed("boom")


@pytest.mark.parametrize(
    ("open_tasks", "words"),
    [((), "Hand in retrieval.json as retrieve.py writes it"), (("4.1",), "task 4.1 is not done")],
)
def test_a_written_report_without_a_ranking_is_no_unreadable_ranking(tmp_path, shared_sandbox, open_tasks, words):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "report.md").write_text("# Lab 5\n\nMy network reached 90 % in the end.\n", encoding="utf-8")
    submission = open_submission(Archive(folder, Student("Ada")), tmp_path / "unpacked")
    tasks = tuple(OpenTask(number, "the cosine", "retrieve.py", 60) for number in open_tasks)
    equipment = Equipment(message("no images"), shared_sandbox)
    seen = look_at_retrieval(Subject(submission, equipment, Caller(submission, None), tasks))
    for found in (seen.report, seen.compared):
        assert isinstance(found, Refused)
        said = found.message.english()
        assert said.startswith("retrieval.json is missing" if open_tasks else "No ranking was found in report.md.")
        assert words in said
        assert said.count("Hand in retrieval.json") == (0 if open_tasks else 1), "said once"
        assert said.count("retrieve.py writes it") == (0 if open_tasks else 1)
        assert open_tasks or "'Top 1 match (0.8731): library/cat/3.png'" in said


def seen_of(report: str, tmp_path, shared_sandbox):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "report.md").write_text(report, encoding="utf-8")
    submission = open_submission(Archive(folder, Student("Ada")), tmp_path / "unpacked")
    return look_at_retrieval(
        Subject(submission, Equipment(message("no images"), shared_sandbox), Caller(submission, None), ())
    )


def test_what_may_be_a_ranking_is_a_doubt_of_the_graders_and_no_refusal(tmp_path, shared_sandbox):
    lines = "".join(f"{rank}. library/{rank}.png 0.{99 - rank}\n" for rank in range(1, 6))
    seen = seen_of(f"# Lab 5\n\nWe found:\n\n{lines}", tmp_path, shared_sandbox)
    for found in (seen.report, seen.compared):
        assert isinstance(found, Unavailable)
        assert "report.md, line 5" in found.message.english()
        assert "'1. library/1.png 0.98'" in found.message.english()
        assert "no line says which query it belongs to" in found.message.english()


def test_what_only_looks_like_a_ranking_is_refused_with_the_forms_that_are_read(tmp_path, shared_sandbox):
    code = "scores = library @ query\nprint('1. cat.png', scores[0])\n"
    seen = seen_of(f"# Lab 5\n\n```python\n{code}```\n", tmp_path, shared_sandbox)
    assert isinstance(seen.report, Refused)
    for words in ("it stands in program code", "print('1. cat.png'", "Hand in retrieval.json"):
        assert words in seen.report.message.english()


def test_images_named_by_number_are_not_looked_for_among_the_files(look):
    report = made.run("resnet20")
    for query in report["queries"]:
        for result in query["results"]:
            result["path"] = str(result["rank"])
    (run,) = look([report])
    assert run.basis == "report"
    assert run.missing == ()
    assert run.why_not is not None and "named by number" in run.why_not.english()
    assert [query.sound.kept for query in run.queries] == [5] * 10
