"""The three checks of the retrieval report, each from records alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from grader.checks.retrieval_library import LibraryLimits, retrieval_library
from grader.checks.retrieval_ranking import RankingLimits, retrieval_ranking
from grader.checks.retrieval_scores import ScoresLimits, retrieval_scores
from grader.evidence import (
    Agreement,
    ComparedQuery,
    ComparedRankings,
    ComparedRun,
    Extracted,
    FeatureVectors,
    LibraryImage,
    Match,
    ReportedQuery,
    ReportedRun,
    RetrievalImages,
    RetrievalReport,
    Suspicion,
    UnreadLine,
)
from grader.marking.check import Doubt
from grader.records import Ranking, Verdict, message

LIBRARY = LibraryLimits(images=4, classes=2, enough=2, queries=1, distinct=1, apart=1)
RANKING = RankingLimits(models=2, from_features=0.8, from_report=0.4, with_mistake=0.8)
SCORES = ScoresLimits(models=2, method=1, five=1, order=1, range=1, claims=1, differ=1)


def said(verdict: Verdict) -> str:
    return "\n".join(one.english() for one in (verdict.message, *verdict.hints))


@pytest.fixture
def judge(evidence):
    from grader.marking.check import Case

    def of(check, limits, record, *others) -> Verdict:
        return check.judge(Case(record, limits, evidence(record, *others)))

    return of


# --- the library -----------------------------------------------------------------------------------------------


def image(path: str, content: str, label: str = "cat", nearness: str = "") -> LibraryImage:
    return LibraryImage(path, label, content, nearness, 10, 10)


def images(library=(), queries=(), **more) -> RetrievalImages:
    return RetrievalImages(tuple(library), tuple(queries), **more)


CATS = [image(f"library/cat/{n}.png", f"cat {n}") for n in range(2)]
DOGS = [image(f"library/dog/{n}.png", f"dog {n}", "dog") for n in range(2)]
QUERIES = [image("queries/cat.png", "q1"), image("queries/dog.png", "q2", "dog")]


def test_enough_different_images_and_strange_queries_earn_everything(judge):
    verdict = judge(retrieval_library, LIBRARY, images([*CATS, *DOGS], QUERIES))
    assert verdict.credit == 1.0
    assert "4 images in 2 classes" in said(verdict)
    assert verdict.hints == ()


@pytest.mark.parametrize(
    ("library", "queries", "credit", "words"),
    [
        ([*CATS, DOGS[0]], QUERIES, 0.9, "3 different images; at least 4"),
        ([*CATS, *DOGS], QUERIES[:1], 0.9, "covered by the queries: 1; required: at least 2"),
        ([*CATS, *DOGS], [QUERIES[0], image("queries/cow.png", "q3", "cow")], 0.85, "is not in the library"),
        ([*CATS, *DOGS], [QUERIES[0], image("queries/dog.png", "dog 1", "dog")], 0.9, "as library/dog/1"),
        ([*CATS, *DOGS, image("library/cat/9.png", "cat 0")], QUERIES, 0.96, "same image as library/cat/0.png"),
        ([], QUERIES, 0.2, "0 different images"),
        ([*CATS, *DOGS], [], 0.6, "queries: 0;"),
    ],
)  # fmt: skip
def test_what_is_missing_costs_its_share_and_is_named(judge, library, queries, credit, words):
    verdict = judge(retrieval_library, LIBRARY, images(library, queries))
    assert verdict.credit == pytest.approx(credit)
    assert words in said(verdict)


def test_pictures_that_cannot_be_used_are_named_and_do_not_count(judge):
    broken = [LibraryImage(f"library/cat/b{n}.png", "cat", problem=message("b{n} is broken.", n=n)) for n in range(5)]
    verdict = judge(retrieval_library, LIBRARY, images([*CATS, DOGS[0], *broken], QUERIES, more=7))
    assert verdict.credit == pytest.approx(0.9)
    for words in ("b0 is broken", "b2 is broken", "2 more images cannot be used", "7 more images were not checked"):
        assert words in said(verdict)


def test_a_query_that_looks_nearly_like_a_library_image_is_a_hint_and_costs_nothing(judge):
    near, far = "f" * 64, "f" * 32 + "0" * 32
    library = [replace(CATS[0], nearness=near), replace(CATS[1], nearness=far), *DOGS]
    queries = [replace(QUERIES[0], nearness="e" + "f" * 63), QUERIES[1]]
    verdict = judge(retrieval_library, LIBRARY, images(library, queries))
    assert verdict.credit == 1.0
    assert "looks almost the same as library/cat/0.png" in said(verdict)
    assert "library/cat/1.png" not in said(verdict)


def hashed(path: str, digit: str, label: str = "cat", content: str = "") -> LibraryImage:
    """A picture whose left half is darker by as much as the digit says."""
    return replace(image(path, content or path, label), prepared=((digit * 18 + "8" * 18) * 12,))


def test_pictures_that_are_one_after_the_preparation_count_once(judge):
    library = [hashed(f"library/cat/{nth}.png", "2") for nth in range(4)]
    queries = [hashed("queries/cat.png", "2")]
    verdict = judge(retrieval_library, LIBRARY, images(library, queries))
    for words in ("has 1 different images", "as the networks see it after the declared", "queries/cat.png is also in"):
        assert words in said(verdict)
    assert verdict.credit < 0.4


def test_a_few_pictures_that_are_nearly_the_same_cost_nothing(judge):
    library = [hashed(f"library/cat/{digit}.png", digit) for digit in "0235b"]  # 2 and 3 are alike
    verdict = judge(retrieval_library, replace(LIBRARY, classes=1), images(library, QUERIES[:1]))
    assert verdict.credit == 1.0


def test_pictures_that_hardly_differ_are_a_hint_where_most_are_different(judge):
    library = [hashed(f"library/cat/{digit}.png", digit) for digit in "014589"]  # three pairs of two that are near
    verdict = judge(retrieval_library, replace(LIBRARY, classes=1), images(library, QUERIES[:1]))
    assert verdict.credit == 1.0
    assert "Images that hardly differ from another one: 3, such as library/cat/1.png from library/cat/0.png" in said(
        verdict
    )


def test_pictures_that_are_certainly_one_count_once_although_most_are_different(judge):
    library = [hashed(f"library/cat/{n}.png", digit) for n, digit in enumerate("0036888")]
    verdict = judge(retrieval_library, replace(LIBRARY, classes=1), images(library, QUERIES[:1]))
    assert verdict.credit == pytest.approx(1 - 3 / 7 / 5)
    assert "library/cat/1.png is the same picture as library/cat/0.png" in said(verdict)


# --- the rankings ----------------------------------------------------------------------------------------------

GOOD = (Agreement(5, 5, 5), Agreement(5, 5, 5), Agreement(4, 4, 4))
BAD = (Agreement(5, 1, 1), Agreement(5, 1, 1), Agreement(4, 1, 1))


def compared(good: int, bad: int = 0, model: str = "resnet50", **more) -> ComparedRun:
    matches = tuple(Match(f"library/cat/{n}.png", 0.9) for n in range(5))
    right = ComparedQuery("queries/cat.png", "cat", matches, matches, *GOOD, 0.0, (0.0,) * 5)
    wrong = ComparedQuery("queries/dog.png", "dog", matches, (), *BAD, 3.0, (2.0,) * 5)
    given = {"basis": "images", "distance": 1.0, "example": 0.5, **more}
    return ComparedRun(
        model, "random", "cosine", pipeline="as declared", queries=(right,) * good + (wrong,) * bad, **given
    )


def test_two_models_that_agree_earn_everything(judge):
    verdict = judge(retrieval_ranking, RANKING, ComparedRankings((compared(10), compared(10, model="alexnet"))))
    assert verdict.credit == 1.0
    assert "resnet50 and alexnet" in said(verdict)
    rankings = [exhibit for exhibit in verdict.exhibits if isinstance(exhibit, Ranking)]
    assert [query.accepted for query in rankings[0].queries] == [True] * 10
    assert rankings[0].queries[0].theirs[0].right and rankings[0].queries[0].theirs[0].agreed


def test_a_mistake_that_changes_no_list_costs_its_share_and_is_named(judge):
    explained = compared(10, distance=0.09, suspicions=(Suspicion("blue first", 0.001, 1.0, 1.0, 0.4),))
    verdict = judge(retrieval_ranking, RANKING, ComparedRankings((explained, compared(10, model="alexnet"))))
    assert verdict.credit == 0.9
    assert "red and blue are swapped" in said(verdict)


def test_a_mistake_of_order_alone_costs_nothing_where_the_order_is_right(judge):
    suspected = (Suspicion("similarity sorted the wrong way", 0.0, 1.0, 1.0, 0.4),)
    runs = (compared(10, distance=0.0, suspicions=suspected), compared(10, model="alexnet"))
    assert judge(retrieval_ranking, RANKING, ComparedRankings(runs)).credit == 1.0


def test_one_model_earns_half(judge):
    verdict = judge(retrieval_ranking, RANKING, ComparedRankings((compared(10),)))
    assert verdict.credit == 0.5
    assert "in the report: 1; required: 2" in said(verdict)


def test_a_ranking_of_copies_is_not_accepted_in_any_order(judge):
    library = images([hashed(f"library/cat/{nth}.png", "2") for nth in range(5)])
    for basis in ("images", "report", "features"):
        runs = (compared(10, basis=basis), compared(10, model="alexnet", basis=basis))
        verdict = judge(retrieval_ranking, RANKING, ComparedRankings(runs), library)
        assert verdict.credit == 0.0
        assert "the matches of queries/cat.png are copies of one picture" in said(verdict)


@pytest.mark.parametrize(("asked", "credit"), [(10, 0.0), (6, 0.4), (5, 1.0)])
def test_copies_are_not_accepted_where_more_than_half_of_the_queries_find_nothing_else(judge, asked, credit):
    others = [hashed(f"library/dog/{digit}.png", digit) for digit in "0459bdf"]
    library = images([*(hashed(f"library/cat/{nth}.png", "2") for nth in range(5)), *others])
    dogs = tuple(Match(f"library/dog/{digit}.png", 0.9) for digit in "0459b")
    queries = compared(10).queries
    mixed = tuple(query if nth < asked else replace(query, theirs=dogs) for nth, query in enumerate(queries))
    runs = ComparedRankings((replace(compared(10), queries=mixed), replace(compared(10, model="b"), queries=mixed)))
    verdict = judge(retrieval_ranking, RANKING, runs, library)
    assert verdict.credit == pytest.approx(credit)


def test_an_order_of_chance_earns_no_more_than_a_report_alone_and_says_what_to_do(judge):
    run = compared(10)
    chance = replace(run, queries=tuple(replace(query, rises=2, spread=0.01) for query in run.queries))
    verdict = judge(retrieval_ranking, RANKING, ComparedRankings((chance, replace(chance, model="alexnet"))))
    assert verdict.credit == pytest.approx(0.4)
    assert "order is that of chance" in said(verdict) and "Sort the matches" in said(verdict)


def test_equal_scores_earn_no_more_than_a_report_alone_and_say_what_to_do(judge):
    run = compared(10)
    equal = replace(run, queries=tuple(replace(query, spread=1e-8) for query in run.queries))
    verdict = judge(retrieval_ranking, RANKING, ComparedRankings((equal, replace(equal, model="alexnet"))))
    assert verdict.credit == pytest.approx(0.4)
    assert "equal to 1e-06" in said(verdict) and "Use a network with trained weights" in said(verdict)


@pytest.mark.parametrize(("score", "words"), [(1.0, "all scores are whole numbers"), (None, "no score is a number")])
def test_scores_that_show_nothing_earn_a_report_alone_where_the_order_is_right(judge, score, words):
    run = compared(6, 4)
    bare = replace(
        run,
        queries=tuple(
            replace(query, theirs=tuple(replace(match, score=score) for match in query.theirs), errors=(2.0,) * 5)
            for query in run.queries
        ),
    )
    verdict = judge(retrieval_ranking, RANKING, ComparedRankings((bare, compared(10, model="alexnet"))))
    assert verdict.credit == pytest.approx((0.4 * 0.6 + 1) / 2)
    assert words in said(verdict) and "the order is right in 6 of 10 rankings" in said(verdict)


@pytest.mark.parametrize("name", ["ResNet50", "resnet50-IMAGENET1K_V1", "resnet_50"])
def test_the_same_model_in_another_spelling_is_one(judge, name):
    runs = ComparedRankings((compared(10), replace(compared(10, model=name), weights="random")))
    assert judge(retrieval_ranking, RANKING, runs).credit == 0.5


def test_the_same_weights_under_two_names_are_one_network(judge):
    runs = ComparedRankings((compared(10, network="d1"), compared(10, model="alexnet", network="d1")))
    assert judge(retrieval_ranking, RANKING, runs).credit == 0.5


def test_the_same_model_twice_is_one(judge):
    assert judge(retrieval_ranking, RANKING, ComparedRankings((compared(10), compared(10)))).credit == 0.5


def test_a_third_ranking_lowers_nothing_and_is_not_complained_of(judge):
    required = (compared(10), compared(10, model="alexnet"))
    extra = (compared(1, 9, model="resnet20"), compared(0, 10))
    for runs in ((*required, *extra), (*extra, *required)):
        verdict = judge(retrieval_ranking, RANKING, ComparedRankings(runs))
        assert verdict.credit == 1.0
        assert "resnet20" not in verdict.message.english() and verdict.hints == ()


def test_each_query_that_agrees_alone_earns_its_share(judge):
    verdict = judge(retrieval_ranking, RANKING, ComparedRankings((compared(6, 4), compared(10, model="alexnet"))))
    assert verdict.credit == pytest.approx(0.8)
    assert "6 of 10 rankings agree" in said(verdict)
    assert "is not known" in said(verdict)


def test_queries_that_were_not_handed_in_earn_nothing(judge):
    runs = (compared(5, absent=5, missing=("queries/cow.png",)), compared(10, model="alexnet"))
    verdict = judge(retrieval_ranking, RANKING, ComparedRankings(runs))
    assert verdict.credit == pytest.approx(0.75)
    assert "queries/cow.png was not handed in" in said(verdict)


def test_a_mistake_is_named_with_the_three_scores_and_the_line_to_change(judge):
    suspicion = Suspicion("BatchNorm in training mode", 0.01, 1.0, 1.0, 0.9954)
    runs = (compared(0, 10, suspicions=(suspicion,)), compared(10, model="alexnet"))
    verdict = judge(retrieval_ranking, RANKING, ComparedRankings(runs))
    assert verdict.credit == 0.5
    for words in ("training mode", "0.9000", "0.5000", "0.9954", "model.eval()"):
        assert words in said(verdict)


def vectors(distance: float) -> FeatureVectors:
    return FeatureVectors((Extracted("resnet50", (2, 2048), (2, 2048), 7, distance),), (), None)


@pytest.mark.parametrize(("distance", "credit"), [(1e-6, 0.5), (0.2, 0.4)])
def test_rankings_from_features_earn_everything_only_where_the_features_are_right(judge, distance, credit):
    run = compared(10, basis="features", why_not=message("no weights"))
    verdict = judge(retrieval_ranking, RANKING, ComparedRankings((run,)), vectors(distance))
    assert verdict.credit == pytest.approx(credit)


def test_a_report_alone_earns_little_and_says_why(judge):
    run = compared(10, basis="report", why_not=message("the images are not here."))
    verdict = judge(retrieval_ranking, RANKING, ComparedRankings((run, replace(run, model="alexnet"))))
    assert verdict.credit == pytest.approx(0.4)
    assert "only the report itself could be checked, because the images are not here." in said(verdict)


def without_weights(**more) -> ComparedRun:
    sentence = message("the weights are not on the grader's machine. Staff: run 'grade weights fetch resnet50'")
    return compared(10, why_not=sentence, ours=True, **more)


@pytest.mark.parametrize("basis", ["report", "features"])
def test_without_the_weights_on_the_graders_machine_a_ranking_is_not_judged(judge, basis):
    runs = ComparedRankings((without_weights(basis=basis), compared(10, model="alexnet")))
    doubt = judge(retrieval_ranking, RANKING, runs)
    assert isinstance(doubt, Doubt)
    assert "resnet50: the rankings were not judged" in doubt.fault.english()
    assert "grade weights fetch resnet50" in doubt.fault.english()


def test_without_the_weights_a_ranking_whose_features_are_right_is_judged_and_not_marked_down(judge):
    runs = ComparedRankings((without_weights(basis="features"), compared(10, model="alexnet")))
    assert judge(retrieval_ranking, RANKING, runs, vectors(1e-6)).credit == 1.0


def test_weights_that_nobody_needs_are_not_missed(judge):
    runs = (without_weights(basis="report"), compared(10, model="alexnet"), compared(10, model="vgg16"))
    assert judge(retrieval_ranking, RANKING, ComparedRankings(runs)).credit == 1.0


def test_two_networks_without_names_are_two_and_have_numbers(judge):
    run = compared(10, model="", basis="report", why_not=message("no network is named."))
    verdict = judge(retrieval_ranking, RANKING, ComparedRankings((run, run)))
    assert verdict.credit == pytest.approx(0.4)
    assert "network 1: only the report itself" in said(verdict)
    assert "network 2: only the report itself" in said(verdict)


def test_a_query_of_no_known_class_is_not_counted_as_wrong_nor_as_right(judge):
    run = compared(10)
    lost = replace(run, queries=tuple(replace(query, label="0panda") for query in run.queries))
    verdict = judge(retrieval_ranking, RANKING, ComparedRankings((lost, compared(10, model="alexnet"))))
    (table, *_) = verdict.exhibits
    assert table.rows[0][-2:] == (message("labels unknown"), message("labels unknown"))
    assert table.rows[1][-2:] == ("100.0%", "100.0%")


# --- scores and claims -----------------------------------------------------------------------------------------


def reported(model: str = "resnet50", scores=(0.9, 0.8, 0.7, 0.6, 0.5), name: str = "a", **more) -> ReportedRun:
    matches = tuple(Match(f"cat/{name}{n}.png", score) for n, score in enumerate(scores))
    others = tuple(replace(match, path=f"dog/{name}{n}.png") for n, match in enumerate(matches))
    queries = (ReportedQuery("queries/cat.png", matches), ReportedQuery("queries/dog.png", (*matches[:3], *others[3:])))
    return ReportedRun(model, queries, **{"metric": "cosine", **more})


def report(*runs: ReportedRun) -> RetrievalReport:
    return RetrievalReport("retrieval.json", "JSON", runs)


OTHER = reported("alexnet", name="b")


def test_scores_in_order_and_claims_that_follow_earn_everything(judge):
    run = reported(precision_at_5=0.7, top1=0.5)
    verdict = judge(retrieval_scores, SCORES, report(run, OTHER))
    assert verdict.credit == 1.0
    assert verdict.hints == ()


@pytest.mark.parametrize(
    ("run", "words"),
    [
        (reported(metric=""), "does not say how images are compared"),
        (reported(scores=(0.5, 0.6, 0.7, 0.8, 0.9)), "0.5000 comes before 0.6000; the best match must come first"),
        (reported(metric="euclidean"), "(smallest first)"),
        (reported(scores=(17.0, 16.0, 15.0, 14.0, 13.0)), "the score 17 (cosine) is outside the range"),
        (reported(scores=(1.0, 2.0, 2.5, 2.6, 2.7), metric="euclidean"), "(euclidean) is outside the range"),
        (reported(scores=(0.9, None, 0.7, 0.6, 0.5)), "no numeric score"),
        (reported(precision_at_5=0.9), "precision@5 is stated as 90.0%; the rankings give 70.0%"),
        (reported(top1=1.0), "top-1 is stated as 100.0%; the rankings give 50.0%"),
        (reported(scores=(0.9, 0.8, 0.7)), "3 different matches; the best 5 are required"),
        (reported(name="b"), "identical for every query: one was copied"),
    ],
)  # fmt: skip
def test_what_does_not_follow_is_named_and_costs(judge, run, words):
    verdict = judge(retrieval_scores, SCORES, report(run, OTHER))
    assert words in said(verdict)
    assert verdict.credit < 1.0


FLAT = tuple(Match(f"images/{n}.png", 0.9 - n / 10) for n in range(5))


@pytest.mark.parametrize(
    "queries",
    [
        (ReportedQuery("", tuple(replace(match, path=match.path[7:]) for match in FLAT)),),
        (ReportedQuery("images/9.png", FLAT), ReportedQuery("images/8.png", FLAT[::-1])),
        (ReportedQuery("queries/0panda.png", reported().queries[0].matches), reported().queries[1]),
    ],
    ids=["no folders and no query", "one folder for all images", "a query of no class"],
)
def test_claims_about_unknown_labels_neither_cost_nor_earn(judge, queries):
    run = replace(reported(precision_at_5=0.9, metric="cosine"), queries=queries)
    verdict = judge(retrieval_scores, SCORES, report(run, OTHER))
    assert "labels unknown, so the stated accuracy was not compared" in said(verdict)
    assert "is stated as" not in said(verdict)
    alone = judge(retrieval_scores, replace(SCORES, models=1), report(run))
    assert "Claims follow" not in str([row[0] for row in alone.exhibits[0].rows])


def test_two_networks_without_names_are_not_said_to_be_copied(judge):
    verdict = judge(retrieval_scores, SCORES, report(reported(""), reported("")))
    assert "copied" not in said(verdict)


def test_a_third_ranking_lowers_no_score_and_is_not_complained_of(judge):
    required = (reported(), OTHER)
    extra = (reported("resnet20", scores=(0.9, 0.95, 0.7, None), precision_at_5=0.1), reported(scores=(3.0, 4.0)))
    for runs in ((*required, *extra), (*extra, *required)):
        verdict = judge(retrieval_scores, SCORES, report(*runs))
        assert verdict.credit == 1.0
        assert verdict.hints == ()


@pytest.mark.parametrize("name", ["resnet50", "ResNet-50", "ResNet50_Weights"])
def test_scores_of_one_network_in_two_spellings_are_of_one(judge, name):
    verdict = judge(retrieval_scores, SCORES, report(reported(), reported(name, name="b", metric="euclidean")))
    assert verdict.credit == pytest.approx(5 / 6)
    assert "in the report: 1; required: 2. 2 are named, but some are one network" in said(verdict)


def test_scores_of_one_network_under_two_names_are_of_one(judge):
    runs = (reported("resnet20", weights="final.pth"), reported("resnet56", name="b", weights="final.pth"))
    digests = ComparedRankings(
        (compared(10, model="resnet20", network="d"), compared(10, model="resnet56", network="d"))
    )
    verdict = judge(retrieval_scores, SCORES, report(*runs), digests)
    assert verdict.credit == pytest.approx(5 / 6)
    assert "in the report: 1; required: 2" in said(verdict)
    two = ComparedRankings((digests.runs[0], replace(digests.runs[1], network="e")))
    assert judge(retrieval_scores, SCORES, report(*runs), two).credit == 1.0


def test_digests_of_another_report_say_nothing_about_this_one(judge):
    others = ComparedRankings((compared(10, model="a", network="d"), compared(10, model="b", network="d")))
    assert judge(retrieval_scores, SCORES, report(reported(), OTHER), others).credit == 1.0


def test_a_network_in_two_spellings_beside_another_costs_nothing(judge):
    wrong = reported("ResNet50", scores=(0.9, 0.95, 0.7, 0.6, 0.5))
    for runs in ((reported(), wrong, OTHER), (wrong, reported(), OTHER), (OTHER, wrong, reported())):
        verdict = judge(retrieval_scores, SCORES, report(*runs))
        assert verdict.credit == 1.0
        assert verdict.hints == ()


def test_numbers_in_place_of_names_are_told_and_cost_nothing(judge):
    verdict = judge(retrieval_scores, SCORES, report(reported(by_number=True), OTHER))
    assert verdict.credit == 1.0
    assert "resnet50: images are named by number" in said(verdict)


def test_a_network_that_may_be_among_what_was_not_certain_is_not_missed_before_a_person_looked(judge):
    doubt = judge(retrieval_scores, SCORES, replace(report(reported()), doubtful=1))
    assert isinstance(doubt, Doubt)
    assert "further rankings, but not for certain: 1" in doubt.fault.english()
    assert judge(retrieval_scores, SCORES, replace(report(reported(), OTHER), doubtful=1)).credit == 1.0


def test_scores_in_lines_that_could_not_be_read_do_not_cost_before_a_person_looked(judge):
    unread = UnreadLine(7, "Top 2 match (0.8l): cat/1.png")
    seen = replace(report(reported(scores=(0.9, None, 0.7, 0.6, 0.5)), OTHER), unread=(unread,), unread_count=1)
    doubt = judge(retrieval_scores, SCORES, seen)
    assert isinstance(doubt, Doubt)
    assert "0.8l" in doubt.fault.english()


def test_queries_beyond_those_that_are_kept_are_told(judge):
    verdict = judge(retrieval_scores, SCORES, report(reported(more_queries=9_800), OTHER))
    assert "9,800 more queries were not checked" in said(verdict)


def test_a_rise_within_rounding_of_the_range_is_no_fault(judge):
    assert (
        judge(retrieval_scores, SCORES, report(reported(scores=(1.0000002, 0.9, 0.8, 0.7, 0.6)), OTHER)).credit == 1.0
    )


def test_claims_in_whole_percent_are_not_held_to_the_digit(judge):
    assert judge(retrieval_scores, SCORES, report(reported(precision_at_5=0.705), OTHER)).credit == 1.0


ALIKE = (0.9956, 0.9955, 0.9954, 0.9953, 0.9952)


def test_scores_that_are_all_alike_are_suspected_in_words_and_cost_nothing(judge):
    verdict = judge(retrieval_scores, SCORES, report(reported(scores=ALIKE), OTHER))
    assert verdict.credit == 1.0
    assert "resnet50: all scores are close to 0.9954" in said(verdict)
    assert "alexnet" not in said(verdict)
    assert "random weights" not in said(verdict)  # 70 % of the matches are right: random weights do not reach that


def test_where_hardly_a_match_is_right_random_weights_are_as_likely(judge):
    run = reported(scores=ALIKE)
    lost = replace(run, queries=tuple(replace(query, label="cow") for query in run.queries))
    assert "or with random weights" in said(judge(retrieval_scores, SCORES, report(lost, OTHER)))


def test_stated_random_weights_and_rankings_that_were_computed_anew_are_not_suspected(judge):
    random = reported(scores=ALIKE, weights="random")
    assert "all scores are close to" not in said(judge(retrieval_scores, SCORES, report(random, OTHER)))
    cleared = ComparedRankings((compared(10),))
    assert "all scores are close to" not in said(
        judge(retrieval_scores, SCORES, report(reported(scores=ALIKE), OTHER), cleared)
    )
