"""What a checkpoint claims for itself can be read back, however long its path."""

from __future__ import annotations

from pydantic import TypeAdapter

from grader.collect.weights import checkpoint_claim
from grader.evidence import Claim


def test_a_claim_of_a_checkpoint_below_long_folders_can_be_read_back():
    (claim,) = checkpoint_claim(["test_acc", 90], "f" * 600)
    reader = TypeAdapter(Claim)
    assert reader.validate_json(reader.dump_json(claim)) == claim
