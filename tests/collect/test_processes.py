"""In every sandbox of this machine, weights give the same logits in one process and in several."""

from __future__ import annotations

import pytest

from fixtures import DEMO_SUBMISSION
from grader.collect import Equipment
from grader.collect.weights import job_of, run_of
from grader.dataset import ImageSet
from grader.evidence import Preprocessing
from grader.labs import the_lab
from grader.records.errors import BadLab
from grader.sandbox import Reply, open_sandbox

COUNT = 120


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["namespaces", "landlock", "plain"])
def test_the_number_of_processes_changes_no_logit(kind, few_images: ImageSet) -> None:
    try:
        opened = open_sandbox(kind)
    except BadLab as error:
        pytest.skip(error.message.english())
    found = []
    with opened as sandbox:
        for threads in (1, 3):
            equipment = Equipment(few_images, sandbox, threads=threads)
            runs = [run_of("images", Preprocessing(the_lab().mean, the_lab().std), COUNT)]
            reply = sandbox.run(job_of(DEMO_SUBMISSION / "final.pth", equipment, runs, "test"))
            assert isinstance(reply, Reply), reply
            found.append(reply.arrays["logits_0"].tobytes())
    assert found[0] == found[1]
    assert len(set(found[0])) > 1
