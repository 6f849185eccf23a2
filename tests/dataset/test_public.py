"""Public sets by name: found as torchvision leaves them, believed by their MD5s alone, fetched with patience."""

from __future__ import annotations

import gzip
import http.server
import json
import pickle
import shutil
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from fixtures.drawn_sets import write_drawn
from fixtures.published_sets import Published, md5, publish
from grader.dataset import PUBLIC_SETS, bounded, child, public
from grader.dataset.bounded import Patience
from grader.dataset.child import FETCHING, Reader
from grader.dataset.public import fetch_public, find_public
from grader.labs import find_lab, using_lab
from grader.records.errors import MissingData

KEYS = ("mnist", "fashion-mnist", "kmnist", "cifar100")
UNREACHABLE = "http://127.0.0.1:9"


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the child does is done in this process, which has imported torchvision long since."""
    from grader.dataset.with_torchvision import read

    def read_here(self: Reader, root: Path, out: Path) -> list[str]:
        return read(self._request(root, out))

    monkeypatch.setattr(Reader, "read", read_here)


@pytest.fixture(params=KEYS)
def small(request: pytest.FixtureRequest, tmp_path: Path) -> Published:
    return publish(request.param, tmp_path / "data")


@pytest.fixture
def fashion(tmp_path: Path) -> Published:
    return publish("fashion-mnist", tmp_path / "data")


@pytest.fixture
def through(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Send every request over HTTP to one address."""

    def proxy(address: str) -> None:
        for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, address)
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)

    return proxy


@pytest.mark.parametrize("key", PUBLIC_SETS)
def test_the_md5s_are_those_of_torchvision(key: str) -> None:
    import torchvision.datasets

    kind, files = getattr(torchvision.datasets, PUBLIC_SETS[key].kind), {}
    for form in PUBLIC_SETS[key].forms:
        files |= {path.rpartition("/")[2]: digest for path, digest in form.items()}
    if key == "svhn":
        known = {name: digest for _, name, digest in kind.split_list.values() if name in files}
    elif key == "cifar100":
        known = dict([*kind.train_list, *kind.test_list, (kind.meta["filename"], kind.meta["md5"])])
        known[kind.filename] = kind.tgz_md5
    else:
        known = dict(kind.resources)
    assert {name: files[name] for name in known} == known
    assert {name.removesuffix(".gz") for name in files} == {name.removesuffix(".gz") for name in known}


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("where", ["data", ".", "data/{folder}"])
def test_a_copy_is_found_as_torchvision_leaves_it_and_kept(small, cache, tmp_path, where):
    folder = "cifar-100-python" if small.wanted.key == "cifar100" else small.wanted.kind
    assert small.is_in(find_public(small.wanted, tmp_path / where.format(folder=folder), cache))
    shutil.rmtree(tmp_path / "data")
    found = find_public(small.wanted, None, cache, ())
    assert small.is_in(found)
    assert (found.name, found.drawn, len(found.classes)) == (small.wanted.name, False, small.wanted.classes)


@pytest.mark.usefixtures("here")
def test_published_archives_are_enough(small, cache, tmp_path):
    for path in small.wanted.forms[0]:
        (tmp_path / "data" / path).unlink()
    assert small.is_in(find_public(small.wanted, None, cache, (tmp_path / "none", tmp_path / "data")))


@pytest.mark.usefixtures("here")
def test_an_archive_may_be_named_itself(cache, tmp_path):
    small = publish("cifar100", tmp_path / "data")
    assert small.is_in(find_public(small.wanted, tmp_path / "data" / "cifar-100-python.tar.gz", cache))


@pytest.mark.usefixtures("here")
def test_bare_files_of_a_set_are_found(fashion, cache, tmp_path):
    raw = (tmp_path / "data" / "FashionMNIST" / "raw").rename(tmp_path / "bare")
    assert fashion.is_in(find_public(fashion.wanted, raw, cache))


def test_classes_have_the_names_that_people_know(tmp_path, cache, here):
    names = {key: find_public(publish(key, tmp_path / key).wanted, tmp_path / key, cache).classes for key in KEYS}
    assert names["mnist"] == tuple("0123456789")
    assert names["fashion-mnist"][9] == "Ankle boot"
    assert names["cifar100"][99] == "thing 99"


class Planted:
    """A pickle that leaves a file behind when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_a_pickle_that_is_not_the_published_one_is_never_loaded(cache, tmp_path):
    small = publish("cifar100", tmp_path / "data")
    (tmp_path / "data" / "cifar-100-python.tar.gz").unlink()
    (tmp_path / "data" / "cifar-100-python" / "test").write_bytes(pickle.dumps(Planted(tmp_path / "loaded")))
    with pytest.raises(MissingData, match="test is not the published one: its MD5 begins with"):
        find_public(small.wanted, tmp_path / "data", cache)
    assert find_public(small.wanted, None, cache, (tmp_path / "data",)) is None
    assert not (tmp_path / "loaded").exists()


@pytest.mark.parametrize("name", ["t10k-images-idx3-ubyte", "train-labels-idx1-ubyte"])
def test_an_altered_copy_is_refused_by_the_name_of_its_file(fashion, cache, tmp_path, name):
    raw = tmp_path / "data" / "FashionMNIST" / "raw"
    (raw / name).write_bytes((raw / name).read_bytes()[:-1] + b"x")
    (raw / f"{name}.gz").unlink()
    with pytest.raises(MissingData) as refused:
        find_public(fashion.wanted, tmp_path / "data", cache)
    said = refused.value.message.english()
    assert f"{raw}: {name} is not the published one" in said
    assert "Fix it, or leave --data out and run `grade data fetch`" in said


def test_a_set_that_is_cut_off_is_told_by_what_is_missing(fashion, cache, tmp_path):
    for path in (tmp_path / "data" / "FashionMNIST" / "raw").glob("train-images*"):
        path.unlink()
    with pytest.raises(MissingData, match="train-images-idx3-ubyte is missing"):
        find_public(fashion.wanted, tmp_path / "data", cache)


def test_a_small_set_is_not_taken_for_the_published_one(fashion, cache, tmp_path):
    for key in ("fashion-mnist", "mnist", "kmnist"):  # the same names of files
        real = PUBLIC_SETS[key]
        for place in (tmp_path / "data", tmp_path / "data" / "FashionMNIST" / "raw"):
            assert find_public(real, None, cache, (place,)) is None
        with pytest.raises(MissingData, match=r"ubyte(.gz)? is not the published one"):
            find_public(real, tmp_path / "data" / "FashionMNIST" / "raw", cache)


@pytest.mark.usefixtures("here")
def test_a_good_copy_in_the_cache_does_not_stand_in_for_a_bad_one_that_was_named(fashion, cache, tmp_path):
    assert find_public(fashion.wanted, tmp_path / "data", cache)
    for path in (tmp_path / "data" / "FashionMNIST" / "raw").iterdir():
        path.write_bytes(b"x")
    with pytest.raises(MissingData, match="is not the published one"):
        find_public(fashion.wanted, tmp_path / "data", cache)
    assert fashion.is_in(find_public(fashion.wanted, None, cache, (tmp_path / "data",)))


def broken(folder: Path, how: str) -> None:
    """Damage a set in the cache."""
    noted = json.loads((folder / "set.json").read_text("utf-8"))
    if how == "pixel":
        images = np.load(folder / "test_images.npy")
        images[3, 0, 5, 5] ^= 1
        np.save(folder / "test_images.npy", images)
    elif how == "label":
        labels = np.load(folder / "test_labels.npy")
        labels[0] = (labels[0] + 1) % 10
        np.save(folder / "test_labels.npy", labels)
    elif how == "fewer":
        for name in ("test_images.npy", "test_labels.npy"):
            np.save(folder / name, np.load(folder / name)[:-1])
    elif how == "counts":
        (folder / "set.json").write_text(json.dumps({**noted, "images": [39, 60]}), "utf-8")
    elif how == "note":
        (folder / "set.json").write_text("{}", "utf-8")
    else:
        (folder / "train_images.npy").unlink()


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("pixel", "the test images are not those that were verified"),
        ("label", "the test images are not those that were verified"),
        ("fewer", "test_images.npy holds uint8 (39, 1, 28, 28); expected uint8 (40, 1, 28, 28)"),
        ("counts", "it holds 39 test and 60 training images instead of 40 and 60"),
        ("note", "set.json is missing or incomplete"),
        ("gone", "train_images.npy is missing or incomplete"),
    ],
)
def test_a_damaged_copy_in_the_cache_is_told_or_replaced(fashion, cache, tmp_path, how, said):
    find_public(fashion.wanted, tmp_path / "data", cache)
    broken(cache / "fashion-mnist", how)
    with using_lab(find_lab("fashion-mnist")), pytest.raises(MissingData) as damaged:
        find_public(fashion.wanted, None, cache, ())
    assert f"the cached copy of Fashion-MNIST is damaged ({said}); run `grade data fetch --lab fashion-mnist`" in (
        damaged.value.message.english()
    )
    assert fashion.is_in(find_public(fashion.wanted, None, cache, (tmp_path / "data",)))
    assert fashion.is_in(find_public(fashion.wanted, None, cache, ()))


@pytest.mark.usefixtures("here")
def test_the_digest_of_the_test_images_is_pinned_where_it_is_known(fashion, cache, tmp_path):
    other = replace(fashion.wanted, digest="0" * 64)
    with pytest.raises(MissingData, match="the test images are not those that were verified"):
        find_public(other, tmp_path / "data", cache)
    assert not (cache / "fashion-mnist").exists()
    found = find_public(fashion.wanted, tmp_path / "data", cache)
    assert find_public(replace(fashion.wanted, digest=found.digest), None, cache, ()) == found


# --- drawn sets ------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("here")
def test_a_drawn_set_is_taken_only_where_it_is_named_and_under_a_name_of_its_own(cache, tmp_path):
    wanted = PUBLIC_SETS["fashion-mnist"]
    write_drawn("fashion-mnist", tmp_path / "data", {"t10k": 20, "train": 30})
    assert find_public(wanted, None, cache, (tmp_path / "data",)) is None
    found = find_public(wanted, tmp_path / "data", cache)
    assert (found.name, found.drawn, found.images("test").shape) == ("Fashion-MNIST (drawn)", True, (20, 1, 28, 28))
    assert find_public(wanted, None, cache, ()) is None
    assert find_public(wanted, tmp_path / "data", cache) == found
    write_drawn("fashion-mnist", tmp_path / "data", {"t10k": 10, "train": 30})
    assert find_public(wanted, tmp_path / "data", cache).images("test").shape == (10, 1, 28, 28)
    assert found.images("test").shape == (20, 1, 28, 28)


def test_a_set_drawn_for_another_one_is_refused(cache, tmp_path):
    raw = write_drawn("kmnist", tmp_path / "data", {"t10k": 10, "train": 10})
    raw.parent.rename(tmp_path / "data" / "MNIST")
    with pytest.raises(MissingData, match=r"DRAWN.txt says that these images were drawn, to stand in for 'kmnist'"):
        find_public(PUBLIC_SETS["mnist"], tmp_path / "data", cache)


@pytest.mark.parametrize("split", ["t10k", "train"])
def test_a_drawn_set_with_labels_of_no_class_is_refused(cache, tmp_path, split, here):
    raw = write_drawn("mnist", tmp_path / "data", {"t10k": 10, "train": 10})
    labels = raw / f"{split}-labels-idx1-ubyte"
    labels.write_bytes(labels.read_bytes()[:-1] + b"\x0a")
    with pytest.raises(ValueError, match="labels are"):  # in the child, where it becomes a sentence
        find_public(PUBLIC_SETS["mnist"], tmp_path / "data", cache)
    assert not (cache / "drawn").exists()


# --- SVHN ------------------------------------------------------------------------------------------------------


@pytest.fixture
def svhn(tmp_path: Path) -> Published:
    """Two files, which only a stand-in for scipy can read."""
    chance = np.random.default_rng(6)
    files, splits = {}, {}
    for split, count in (("test", 20), ("train", 30)):
        path = tmp_path / "data" / f"{split}_32x32.mat"
        path.parent.mkdir(exist_ok=True)
        pixels, labels = chance.integers(0, 256, (32, 32, 3, count), np.uint8), np.arange(count) % 10 + 1
        with path.open("wb") as file:
            np.savez(file, X=pixels, y=labels.astype(np.uint8)[:, None])
        files[path.name] = md5(path.read_bytes())
        splits[split] = (pixels.transpose(3, 2, 0, 1), (labels % 10).astype(np.uint8))
    return Published(replace(PUBLIC_SETS["svhn"], test=20, train=30, forms=(files,)), splits)


@pytest.mark.usefixtures("here")
def test_svhn_is_read_with_scipy(svhn, cache, tmp_path, monkeypatch):
    scipy, io = ModuleType("scipy"), ModuleType("scipy.io")
    io.loadmat = np.load  # type: ignore[attr-defined]
    scipy.io = io  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "scipy", scipy)
    monkeypatch.setitem(sys.modules, "scipy.io", io)
    monkeypatch.setattr(public, "find_spec", lambda name: "there")
    found = find_public(svhn.wanted, tmp_path / "data", cache)
    assert svhn.is_in(found)
    assert found.classes == tuple("0123456789")


def test_svhn_without_scipy_says_what_to_install_before_anything_is_fetched(svhn, cache, tmp_path, silent, monkeypatch):
    monkeypatch.setattr(public, "find_spec", lambda name: None)
    with pytest.raises(MissingData, match=r"it cannot be read without scipy: run `pip install scipy`"):
        find_public(svhn.wanted, tmp_path / "data", cache)
    with pytest.raises(
        MissingData, match=r"SVHN cannot be read without scipy: run `pip install scipy`, then `grade data"
    ):
        fetch_public(svhn.wanted, cache, silent)


# --- fetching, from a server of the tests ----------------------------------------------------------------------


@pytest.fixture
def served(tmp_path: Path, through: Callable[[str], None]) -> Iterator[Path]:
    """A folder whose files are what every address ends with."""
    folder = tmp_path / "served"
    folder.mkdir()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = folder / self.path.rpartition("/")[2]
            self.send_response(200 if path.exists() else 404)
            content = path.read_bytes() if path.exists() else b""
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content)

        do_HEAD = do_GET  # noqa: N815

        def log_message(self, *_: Any) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        through(f"http://127.0.0.1:{server.server_address[1]}")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield folder
        server.shutdown()


@pytest.mark.slow
def test_a_set_is_fetched_verified_and_kept_and_then_needs_no_network(
    fashion, cache, silent, served, visible, through, tmp_path
):
    for path in (tmp_path / "data").rglob("*.gz"):
        path.rename(served / path.name)
    with using_lab(find_lab("fashion-mnist")):
        (served / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(b"other"))
        with pytest.raises(MissingData) as refused:
            fetch_public(fashion.wanted, cache, silent)
        said = refused.value.message.english()
        assert "- torchvision: it failed: " in said
        assert "t10k-labels-idx1-ubyte.gz" in said or "corrupted" in said
        assert visible(cache) == set()
        good = publish("fashion-mnist", tmp_path / "again")
        for path in (tmp_path / "again").rglob("*.gz"):
            path.rename(served / path.name)
        assert good.is_in(fetch_public(fashion.wanted, cache, silent))
        assert visible(cache) == {"fashion-mnist"}
        through(UNREACHABLE)
        assert good.is_in(fetch_public(fashion.wanted, cache, silent))


@pytest.mark.slow
def test_without_a_network_the_message_says_what_where_and_what_to_do(cache, silent, through, visible):
    through(UNREACHABLE)
    with using_lab(find_lab("fashion-mnist")), pytest.raises(MissingData) as refused:
        fetch_public(PUBLIC_SETS["fashion-mnist"], cache, silent)
    said = refused.value.message.english()
    assert said.startswith("Fashion-MNIST could not be fetched:\n- torchvision: it failed: Error downloading")
    assert "fashion-mnist.s3-website.eu-central-1.amazonaws.com" in said
    assert "Connection refused" in said
    assert said.endswith(
        "Run `grade data fetch --lab fashion-mnist` when the network is back, or give a folder that holds it with"
        " `--data FOLDER`"
    )
    assert visible(cache) == set()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("patience", "said"),
    [
        (replace(FETCHING, silence=0.2), "torchvision has fetched nothing for 0 s; check the network and try again"),
        (replace(FETCHING, deadline=0.1), "torchvision did not finish within 0 s; try again"),
    ],
    ids=["silent", "late"],
)
def test_a_fetch_that_gets_nowhere_is_ended(cache, silent, through, visible, monkeypatch, patience, said):
    monkeypatch.setattr(bounded, "LOOK_SECONDS", 0.05)
    with closing(socket.create_server(("127.0.0.1", 0))) as mute:
        through(f"http://127.0.0.1:{mute.getsockname()[1]}")
        with pytest.raises(MissingData, match=said):
            fetch_public(PUBLIC_SETS["fashion-mnist"], cache, silent, patience)
    assert visible(cache) == set()


def test_silence_counts_from_when_the_fetch_begins(tmp_path):
    class Busy:
        """A process that imports for a while, and then fetches nothing."""

        looked = 0

        def wait(self, timeout: float) -> None:
            self.looked += 1
            if self.looked == 30:
                (tmp_path / "begun").touch()
            raise bounded.subprocess.TimeoutExpired("x", timeout)

    busy = Busy()
    with pytest.raises(bounded.Unusable, match="has fetched nothing for 2 s"):
        Patience("x", silence=2.0, begun="begun").wait(busy, tmp_path, lambda size: None)  # type: ignore[arg-type]
    assert busy.looked == 33  # of half a second each: four from the 30th on


@pytest.mark.slow
def test_a_copy_is_read_in_a_process_of_its_own_and_what_ends_it_is_told(fashion, cache, tmp_path, monkeypatch):
    monkeypatch.setattr(child, "MODULE", "grader.dataset.nowhere")
    with pytest.raises(MissingData, match=r"it failed: .*No module named grader.dataset.nowhere"):
        find_public(fashion.wanted, tmp_path / "data", cache)
    monkeypatch.undo()
    small = publish("cifar100", tmp_path / "data")
    assert small.is_in(find_public(small.wanted, tmp_path / "data", cache))
    raw = write_drawn("mnist", tmp_path / "drawn", {"t10k": 10, "train": 10})
    (raw / "t10k-labels-idx1-ubyte").write_bytes(b"")
    with pytest.raises(MissingData, match="it failed: "):
        find_public(PUBLIC_SETS["mnist"], tmp_path / "drawn", cache)
