"""The options of a cluster on the command line: what does not fit together is said before anything is read."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from grader.cli import clustering
from grader.cli.app import cli
from grader.records.errors import BadLab

pytest.importorskip("distributed")


@pytest.fixture
def refused(tmp_path, monkeypatch):
    (tmp_path / "ada").mkdir()
    (tmp_path / "ada" / "final.pth").write_bytes(b"weights")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CNN_LAB_GRADER_TLS", raising=False)

    def refused(*arguments: str) -> str:
        with pytest.raises((click.UsageError, BadLab)) as caught:
            cli.main(["run", "ada", "--no-fetch", *arguments], standalone_mode=False)
        assert list(Path().iterdir()) == [Path("ada")]
        return str(caught.value)

    return refused


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--cluster", "tls://node7", "--jobs", "2"], "--jobs is for this machine"),
        (["--tls", "keys"], "belong to --cluster ADDRESS"),
        (["--insecure"], "belong to --cluster ADDRESS"),
        (["--cluster", "node7", "--tls", "keys", "--insecure"], "--insecure means no certificate"),
        (["--cluster", "tls://node7/x", "--tls", "keys"], "is no address"),
        (["--cluster", "node7", "--tls", "keys"], "keys lacks ca.pem. Copy this folder"),
    ],
)
def test_options_that_do_not_fit_together_are_refused_before_anything_is_read(refused, arguments, said):
    assert said in refused(*arguments)


def test_without_dasks_package_it_is_said_what_to_install(refused, monkeypatch):
    monkeypatch.setattr(clustering, "find_spec", lambda name: None)
    assert 'pip install "cnn-lab-grader[cluster]"' in refused("--cluster", "node7")
