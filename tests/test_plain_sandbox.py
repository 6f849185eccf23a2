"""The sandbox of machines on which nothing isolates, with the real torch in it."""

from __future__ import annotations

import pytest

from grader.sandbox import ArraySpec, Job, Reply
from grader.sandbox.plain import PlainSandbox


@pytest.mark.slow
def test_networks_of_torchvision_run_in_it_though_it_can_write_no_file():
    inputs = {"network": "resnet50", "seed": 6, "images": 1, "ways": ("right",)}
    with PlainSandbox() as sandbox:
        answer = sandbox.run(
            Job("answers.features.true_features", inputs, arrays={"right": ArraySpec("<f4", (1, 2048))})
        )
    assert isinstance(answer, Reply), answer
