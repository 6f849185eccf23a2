"""Define the public sets beside CIFAR-10: their files as published, by their MD5s, and how many images they must hold.

All of this is data, so that tests can use small sets. The MD5s are those of torchvision 0.29, but for the unpacked
files of MNIST and Fashion-MNIST. Those of MNIST were computed from the files; those of Fashion-MNIST are what several
public projects state alike, one of which shows how it unpacked the archives. Where they were wrong, the archives count.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from grader.labs.datasets import DATA_SETS

IDX = tuple(f"{split}-{kind}-ubyte" for split in ("t10k", "train") for kind in ("images-idx3", "labels-idx1"))
Files = Mapping[str, str]  # from a path below torchvision's root to its MD5


@dataclass(frozen=True, slots=True)
class PublicSet:
    """A public set: `kind` is torchvision's class, `forms` are groups of files of which each alone is the whole set.

    `digest` is the SHA-256 of the test split (see `prepared.test_rows`), where it is known. `drawn`: it is one of
    drawn images, in other numbers, that stands in for the published one.
    """

    key: str  # as in lab.toml
    kind: str
    test: int  # images
    train: int
    megabytes: int  # that are fetched
    forms: tuple[Files, ...] = field(repr=False)
    digest: str = ""
    drawn: bool = False

    @property
    def name(self) -> str:
        """Return its name for people."""
        name = DATA_SETS[self.key].name
        return f"{name} (drawn)" if self.drawn else name

    @property
    def folder(self) -> str:
        """Return the name of its folder in the cache."""
        return self.key

    @property
    def shape(self) -> tuple[int, int, int]:
        """Return channels, height and width of an image."""
        return DATA_SETS[self.key].shape

    @property
    def classes(self) -> int:
        """Return the number of classes."""
        return DATA_SETS[self.key].classes


def idx_files(kind: str, md5s: tuple[str, ...], suffix: str = "") -> dict[str, str]:
    """Return the four files of MNIST's form: images and labels of the test split, then of the training split."""
    return {f"{kind}/raw/{name}{suffix}": md5 for name, md5 in zip(IDX, md5s, strict=True)}


CIFAR100 = PublicSet(
    "cifar100", "CIFAR100", 10_000, 50_000, 169,
    (
        {
            "cifar-100-python/test": "f0ef6b0ae62326f3e7ffdfab6717acfc",
            "cifar-100-python/train": "16019d7e3df5f24257cddd939b257f8d",
            "cifar-100-python/meta": "7973b15100ade9c7d40fb424638fde48",
        },
        {"cifar-100-python.tar.gz": "eb9058c3a382ffc7106e4002c42a8d85"},
    ),
)  # fmt: skip
MNIST = PublicSet(
    "mnist", "MNIST", 10_000, 60_000, 12,
    (
        idx_files("MNIST", (
            "2646ac647ad5339dbf082846283269ea", "27ae3e4e09519cfbb04c329615203637",
            "6bbc9ace898e44ae57da46a324031adb", "a25bea736e30d166cdddb491f175f624",
        )),
        idx_files("MNIST", (
            "9fb629c4189551a2d022fa330f9573f3", "ec29112dd5afa0611ce80d1b7f02629c",
            "f68b3c2dcbeaaa9fbdd348bbdeb94873", "d53e105ee54ea40749a09fcbcd1e9432",
        ), ".gz"),
    ),
    "ad39c4e3d6eb0920f4ea84533a577cc5afbb47c5e8034d374d0605316c8923f3",
)  # fmt: skip
FASHION_MNIST = PublicSet(
    "fashion-mnist", "FashionMNIST", 10_000, 60_000, 31,
    (
        idx_files("FashionMNIST", (
            "8181f5470baa50b63fa0f6fddb340f0a", "15d484375f8d13e6eb1aabb0c3f46965",
            "f4a8712d7a061bf5bd6d2ca38dc4d50a", "9018921c3c673c538a1fc5bad174d6f9",
        )),
        idx_files("FashionMNIST", (
            "bef4ecab320f06d8554ea6380940ec79", "bb300cfdad3c16e7a12a480ee83cd310",
            "8d4fb7e6c68d591d4c3dfef9ec88bf0d", "25c81989df183df01b3e8a0aad5dffbe",
        ), ".gz"),
    ),
)  # fmt: skip
KMNIST = PublicSet(
    "kmnist", "KMNIST", 10_000, 60_000, 21,
    (
        idx_files("KMNIST", (
            "5c965bf0a639b31b8f53240b1b52f4d7", "7320c461ea6c1c855c0b718fb2a4b134",
            "bdb82020997e1d708af4cf47b453dcf7", "e144d726b3acfaa3e44228e80efcd344",
        ), ".gz"),
    ),
)  # fmt: skip
SVHN = PublicSet(
    "svhn", "SVHN", 26_032, 73_257, 246,
    ({
        "test_32x32.mat": "eb5a983be6a315427106f1b164d9cef3",
        "train_32x32.mat": "e26dedcc434d2e4c54c9b2d4a06d8373",
    },),
)  # fmt: skip

PUBLIC_SETS = {one.key: one for one in (CIFAR100, MNIST, FASHION_MNIST, KMNIST, SVHN)}
