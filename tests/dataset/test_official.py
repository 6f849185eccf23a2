"""The official archive over HTTP, from a server on this machine."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from grader.dataset import official
from grader.dataset.edition import Unusable
from grader.dataset.official import OfficialArchive


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        status, length, content, pause = self.server.answer
        self.send_response(status)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()
        pause.wait(5)

    def log_message(self, *_):
        pass


@pytest.fixture
def serve(monkeypatch):
    """Start a server that gives one answer; its address."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server = HTTPServer(("127.0.0.1", 0), Handler)
    end = threading.Event()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()

    def answer(content: bytes, *, status: int = 200, length: int | None = None, stall: bool = False) -> str:
        pause = end if stall else threading.Event()
        if not stall:
            pause.set()
        server.answer = (status, length, content, pause)
        return f"http://127.0.0.1:{server.server_port}/cifar-10-binary.tar.gz"

    yield answer
    end.set()
    server.shutdown()
    server.server_close()
    thread.join()


def test_the_archive_arrives_with_its_progress(serve, tmp_path):
    content = bytes(600_000)
    told = []
    copy = OfficialArchive(serve(content, length=len(content))).download(tmp_path, lambda *step: told.append(step[1:]))
    assert copy.place.read_bytes() == content
    assert told[-1] == (600_000, 600_000)


def test_an_unknown_length_is_reported_as_none(serve, tmp_path):
    told = []
    OfficialArchive(serve(b"some")).download(tmp_path, lambda *step: told.append(step[1:]))
    assert told[-1] == (4, None)


def test_a_lost_connection_is_not_a_success(serve, tmp_path, silent):
    with pytest.raises(Unusable, match="connection lost after 100 of 5000 bytes"):
        OfficialArchive(serve(bytes(100), length=5000)).download(tmp_path, silent)


def test_a_silent_server_is_given_up(serve, tmp_path, silent):
    source = OfficialArchive(serve(bytes(100), length=5000, stall=True), silence=0.2)
    with pytest.raises(Unusable, match=r"could not be reached, or the connection broke off \(.*timed out"):
        source.download(tmp_path, silent)


def test_a_server_that_takes_for_ever_is_given_up(serve, tmp_path, silent):
    source = OfficialArchive(serve(bytes(100), length=5000, stall=True), deadline=0.0)
    with pytest.raises(Unusable, match="too slow: 100 bytes in 0 s"):
        source.download(tmp_path, silent)


def test_a_missing_page_says_its_status(serve, tmp_path, silent):
    with pytest.raises(Unusable, match="404"):
        OfficialArchive(serve(b"", status=404)).download(tmp_path, silent)


def test_nobody_listening_is_a_sentence(tmp_path, silent):
    with pytest.raises(Unusable, match="could not be reached, or the connection broke off"):
        OfficialArchive("http://127.0.0.1:9/x.tar.gz").download(tmp_path, silent)


def test_an_endless_answer_is_cut(serve, tmp_path, silent, monkeypatch):
    monkeypatch.setattr(official, "DOWNLOAD_BYTES", 1000)
    with pytest.raises(Unusable, match="more than 1000 bytes"):
        OfficialArchive(serve(bytes(2000))).download(tmp_path, silent)
