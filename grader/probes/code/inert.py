"""Stands in for packages that only plot or log, where they are not installed.

They do nothing, and no test depends on what they do. A progress bar passes on what it counts.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import FunctionType, ModuleType
from typing import Any

from grader.probes.refusals import Phrase, phrase

_PACKAGES = """
IPython alive_progress altair bokeh bqplot colorama coloredlogs comet_ml fastprogress fvcore graphviz hiddenlayer
icecream ipywidgets livelossplot loguru matplotlib mlflow mpl_toolkits neptune netron plotly prettytable progressbar
ptflops pydot pyecharts rich seaborn swanlab tabulate tensorboard tensorboardX tensorboard_logger termcolor
termplotlib thop torchinfo torchstat torchsummary torchsummaryX torchviz tqdm visdom wandb
"""
PACKAGES = frozenset(_PACKAGES.split())
TENSORBOARD = "torch.utils.tensorboard"  # part of torch, and fails where tensorboard is not installed
BARS = frozenset({"alive_it", "master_bar", "progress_bar", "progressbar", "tnrange", "tqdm", "tqdm_notebook", "track"})
RANGES = frozenset({"tnrange", "trange"})

_used: dict[str, None] = {}  # as a set in order


def install() -> None:
    """Answer imports of these packages wherever nothing else does."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.append(_Finder())
        if PathFinder.find_spec("tensorboard") is None:
            sys.meta_path.insert(0, _Finder(TENSORBOARD))


def uninstall() -> None:
    """Undo `install`, in a process that goes on with other work."""
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, _Finder)]
    for name in [name for name, module in sys.modules.items() if isinstance(module, _Inert)]:
        del sys.modules[name]
    _used.clear()


def notes(file: str) -> list[Phrase]:
    """Return the packages that were imported and are not installed, once each."""
    return [phrase("stand_in_package", file=file, what=name) for name in _used]


class Nothing:
    """Takes part in everything, and does nothing: called, indexed, iterated over, entered, or subclassed."""

    def __init__(self, *args: Any, **named: Any) -> None:
        pass

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Nothing()

    def __call__(self, *args: Any, **named: Any) -> Any:
        if len(args) == 1 and not named and isinstance(args[0], FunctionType | type):
            return args[0]  # as a decorator it leaves a function what it is
        return Nothing()

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[type, ...]:
        return (Nothing,)

    def __getitem__(self, key: Any) -> Any:
        return Nothing()

    def __setitem__(self, key: Any, value: Any) -> None:
        pass

    def __iter__(self) -> Iterator[Any]:
        yield from (Nothing(), Nothing())  # fig, ax = plt.subplots()

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *error: Any) -> None:
        pass

    def __bool__(self) -> bool:
        return False


class Bar(Nothing):
    """A progress bar: passes on what it is given."""

    def __init__(self, iterable: Iterable[Any] = (), *args: Any, **named: Any) -> None:
        self._counted = iterable

    def __iter__(self) -> Iterator[Any]:
        yield from self._counted

    def __len__(self) -> int:
        return len(self._counted)  # type: ignore[arg-type]


class _Inert(ModuleType):
    """A module in which every name is there."""

    __version__ = "9.9.9"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name in RANGES:
            return lambda *args, **named: Bar(range(*args))
        if name in BARS:
            return Bar
        return Nothing()


class _Finder(MetaPathFinder, Loader):
    """Finds the packages of PACKAGES and what is in them; or one module only, before anything else does."""

    def __init__(self, only: str = "") -> None:
        self._only = only

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        top = fullname.partition(".")[0]
        meant = fullname == self._only if self._only else top in PACKAGES and self._not_installed(top)
        if not meant:
            return None
        _used.setdefault(self._only or top)
        return ModuleSpec(fullname, self, is_package=True)

    @staticmethod
    def _not_installed(top: str) -> bool:
        return isinstance(sys.modules.get(top), _Inert) or PathFinder.find_spec(top) is None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _Inert(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        pass
