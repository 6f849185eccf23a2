"""Reads a lab from its folder, and reports all mistakes of `lab.toml` at once, with their lines."""

from __future__ import annotations

import difflib
import hashlib
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grader.labs.datasets import DATA_SETS, SUFFIX, DataSet, own_set
from grader.labs.lab import Lab
from grader.records import Message, message, stacked
from grader.records.errors import BadLab

if TYPE_CHECKING:
    from pydantic import TypeAdapter

FILE, RUBRIC = "lab.toml", "rubric.toml"
DEFAULT = "resnet-and-retrieval"
COMPUTED = (
    "titles",
    "networks",
    "classes",
    "image_shape",
    "calibrated",
    "public",
    "images",
    "folder",
    "digest",
)  # of a Lab, and not written in its file
_NETWORK = re.compile(r"[a-z][a-z0-9_-]{0,30}")  # names of networks: typed on command lines, shown in tables
FILES = (
    "history", "retrieval", "features", "reports", "image_folders", "scripts", "former_scripts", "given",
    "networks_script", "handout", "given_weights", "training_script", "retrieval_script", "tasks", "given_functions",
)  # fmt: skip
KEYS = tuple(field.name for field in fields(Lab) if field.name not in COMPUTED)


def shipped() -> dict[str, Path]:
    """Return the folder of each lab that comes with the grader, by name."""
    return {path.parent.name: path.parent for path in sorted(Path(__file__).parent.glob(f"*/{FILE}"))}


@cache
def _shipped(name: str) -> Lab:
    return read_lab(shipped()[name])


def find_lab(name: str) -> Lab:
    """Return the lab of this name, or in the folder of this path. Raises BadLab."""
    folders = shipped()
    if name in folders:
        return _shipped(name)
    if Path(name).is_dir():
        return read_lab(Path(name))
    near = difflib.get_close_matches(name, folders, n=1)
    meant = message("; did you mean '{near}'?", near=near[0]) if near else message(".")
    raise BadLab(
        message(
            "'{name}' is neither a folder nor the name of a lab{meant} The labs are: {names}.",
            name=name,
            meant=meant,
            names=", ".join(folders),
        )
    )


def here(lab: Lab) -> Lab:
    """Return a lab that another process or machine chose: if it is shipped, as it lies on this one."""
    if lab.name in shipped() and _shipped(lab.name).digest == lab.digest:
        return _shipped(lab.name)
    return lab


def read_lab(folder: Path, kept: bool = False) -> Lab:
    """Read `lab.toml` in a folder. Raises BadLab, which lists every mistake with its line.

    `kept`: for grades that are there already, which need no images.
    """
    path = folder / FILE
    try:
        raw = path.read_bytes()
        text = raw.decode("utf-8-sig")  # with the byte-order mark that Windows editors write
        written = tomllib.loads(text)
    except OSError as error:
        raise BadLab(message("{file} cannot be read: {why}.", file=str(path), why=str(error.strerror))) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadLab(message("{file} is not TOML: {why}.", file=str(path), why=str(error))) from error
    problems = list(_problems(written, folder, text, kept))
    if problems:
        raise BadLab(stacked(message("{file}:", file=str(path)), problems, "- "))
    data = _data_set(written["dataset"], folder, kept)
    return _lab(written, data, folder, hashlib.sha256(raw).hexdigest())


def _problems(written: Mapping[str, Any], folder: Path, text: str, kept: bool) -> Iterator[Message]:
    """Yield what is wrong: keys that there are not, then values, in the order of the file."""
    from pydantic import ValidationError

    for key in written:
        if key not in KEYS:
            near = difflib.get_close_matches(key, KEYS, n=1)
            meant = message("; did you mean '{near}'?", near=near[0]) if near else message(".")
            yield message("line {line}: there is no key '{key}'{meant}", line=_line(text, key), key=key, meant=meant)
    yield from _wrong_values(written, folder, text, kept)
    if "dataset" in written:
        try:
            _data_set(written["dataset"], folder, kept)
        except BadLab as error:
            yield message("line {line}: {said}", line=_line(text, "dataset"), said=error.message)
    try:
        _lab({key: value for key, value in written.items() if key in KEYS}, None, folder, "")
    except ValidationError as error:
        found = [(item, _place(tuple(item["loc"]), written)) for item in error.errors()]
        for item, place in sorted(found, key=lambda one: _line(text, str(one[1][0]))):
            named = ".".join(map(str, place))
            if item["type"] in ("missing", "missing_argument"):
                yield message("'{key}' is missing.", key=named)
            else:
                said = item["msg"]  # pydantic's own sentences are English
                yield message("line {line}: {key}: {said}.", line=_line(text, str(place[0])), key=named, said=said)


def is_language(name: str) -> bool:
    """Return whether this is a language as titles have it, such as en or zh."""
    return bool(re.fullmatch(r"[a-z]{2}", name))


def _wrong_values(written: Mapping[str, Any], folder: Path, text: str, kept: bool) -> Iterator[Message]:
    """Yield what no type forbids."""
    weights = written.get("weights")
    for files in _files(weights) if isinstance(weights, dict) else [weights]:
        if isinstance(files, list) and (not files or not _is_plain(str(files[0]))):
            yield message(
                "line {line}: weights begin with the name of a file, as students are told to call it; patterns follow.",
                line=_line(text, "weights"),
            )
    if isinstance(weights, dict):
        yield from _wrong_networks(weights, text)
    title = written.get("title")
    for name in title if isinstance(title, dict) else ():
        if not is_language(name):
            yield message(
                "line {line}: title: '{name}' is not a language; write en, zh or another two letters.",
                line=_line(text, "title"),
                name=name,
            )
    how = written.get("normalisation")
    if isinstance(how, dict) and not (_within(how.get("mean"), 0.0, 1.0) and _within(how.get("std"), 1e-6, 1.0)):
        yield message(
            "line {line}: normalisation is of pixels from 0 to 1: mean from 0 to 1, std above 0 and at most 1.",
            line=_line(text, "normalisation"),
        )
    given = map(str.casefold, map(str, written["given"] if isinstance(written.get("given"), list) else ()))
    for name in () if kept or folder.name == DEFAULT else given:  # those of the default lab are in reference/
        if not (folder / name).is_file():
            yield message("line {line}: there is no {name} in the lab's folder.", line=_line(text, "given"), name=name)
    for name in map(str, written["checks"] if isinstance(written.get("checks"), list) else ()):
        if not re.fullmatch(r"[a-z_][a-z0-9_]*\.py", name):
            yield message(
                "line {line}: '{name}' is not the name of a Python file in the lab's folder, such as my_check.py.",
                line=_line(text, "checks"),
                name=name,
            )


def _files(networks: Mapping[str, Any]) -> list[Any]:
    """Return what is written as the files of each network that is a table."""
    return [one.get("files") for one in networks.values() if isinstance(one, dict)]


def _wrong_networks(networks: Mapping[str, Any], text: str) -> Iterator[Message]:
    """Yield what is wrong with the tables of several networks, and with two that ask for one file."""
    for name, table in networks.items() or [("", None)]:
        if not isinstance(table, dict):
            yield message(
                "line {line}: weights are a list of files, or a table for each network: [weights.NAME] and below it"
                " files = [...].",
                line=_line(text, "weights"),
            )
            return
        for key in table:
            if key != "files":
                yield message(
                    "line {line}: weights.{name} has files alone, not {key}; keys of the lab stand above these tables.",
                    line=_line(text, key) or _line(text, "weights"),
                    name=name,
                    key=key,
                )
        if not _NETWORK.fullmatch(name):
            yield message(
                "line {line}: '{name}' is not a name for a network: at most 31 small letters, digits, _ and -, a letter"
                " first.",
                line=_line(text, "weights"),
                name=name,
            )
    first = [str(files[0]).casefold() for files in _files(networks) if isinstance(files, list) and files]
    if len(set(first)) < len(first):
        yield message("line {line}: two networks have the same file.", line=_line(text, "weights"))


def _data_set(name: Any, folder: Path, kept: bool) -> DataSet:
    """Return a public set, or describe the file of an own one, which is not opened if `kept`. Raises BadLab."""
    if isinstance(name, str) and name.endswith(SUFFIX):
        return DataSet(Path(name).stem, 0, (0, 0, 0)) if kept else own_set(folder / name)
    if isinstance(name, str) and name in DATA_SETS:
        return DATA_SETS[name]
    raise BadLab(
        message(
            "'{name}' is not a data set; those are {names}, and an .npz file in the lab's folder.",
            name=str(name),
            names=", ".join(DATA_SETS),
        )
    )


def _lab(written: Mapping[str, Any], data: DataSet | None, folder: Path, digest: str) -> Lab:
    """Return the lab; without its data set, only what is written is checked. Raises ValidationError."""
    known = data or next(iter(DATA_SETS.values()))
    values = {
        **written, "classes": known.classes, "image_shape": known.shape, "calibrated": known.calibrated,
        "folder": str(folder), "digest": digest,
    }  # fmt: skip
    if data is not None:
        values["dataset"] = data.name
        values["public"] = written["dataset"] if written["dataset"] in DATA_SETS else ""
    if str(written.get("dataset")).endswith(SUFFIX):
        values["images"] = str(folder / str(written["dataset"]))
    if isinstance(how := written.get("normalisation"), dict):
        values["normalisation"] = {key: _of_three(value) for key, value in how.items()}
    if isinstance(tables := written.get("weights"), dict):  # what is in them beside files is told elsewhere
        values["networks"] = [
            {"name": name, **({"weights": fields["files"]} if "files" in fields else {})}
            for name, fields in tables.items()
            if isinstance(fields, dict)
        ]
        values["weights"] = next((one["weights"] for one in values["networks"] if "weights" in one), [])
    if isinstance(title := written.get("title"), dict) and title:
        values |= {"title": next(iter(title.values())), "titles": list(title.items())}
    return _adapter().validate_json(
        json.dumps(_in_lower_case(values), default=str)
    )  # where a list may become a tuple in strict mode


def _place(place: tuple[int | str, ...], written: Mapping[str, Any]) -> tuple[int | str, ...]:
    """Return where in the file something is: networks are written as tables of `weights`."""
    match place:
        case ("networks", int(number), *rest):
            tables = [name for name, fields in written["weights"].items() if isinstance(fields, dict)]
            return ("weights", tables[number], *("files" if one == "weights" else one for one in rest))
    return place


@cache
def _adapter() -> TypeAdapter[Lab]:
    from pydantic import ConfigDict, TypeAdapter, with_config  # late: `--help` needs no lab

    return TypeAdapter(with_config(ConfigDict(extra="forbid", strict=True, allow_inf_nan=False))(Lab))


def _in_lower_case(values: dict[str, Any]) -> dict[str, Any]:
    """Return names of files in lower case, as those of a submission are compared; tasks name their scripts too."""

    def lower(value: Any) -> Any:
        if isinstance(value, str):
            return value.casefold()
        if isinstance(value, list):
            return [lower(one) for one in value]
        if isinstance(value, dict):
            return {
                key: one.casefold() if key == "script" and isinstance(one, str) else one for key, one in value.items()
            }
        return value

    return {key: lower(value) if key in FILES else value for key, value in values.items()}


def _is_plain(name: str) -> bool:
    return bool(name) and not set(name) & set("*?[]/\\")


def _within(values: Any, low: float, high: float) -> bool:
    """Return whether all numbers are between these; what are no numbers is told elsewhere."""
    numbers = [one for one in values if isinstance(one, int | float)] if isinstance(values, list) else []
    return all(low <= one <= high for one in numbers)


def _of_three(value: Any) -> Any:
    """Return one value of grey images as that of each of three channels."""
    return value * 3 if isinstance(value, list) and len(value) == 1 else value


def _line(text: str, key: str) -> int:
    """Return the line on which a key is first written, as `key =` or in a heading; 0 if it is not."""
    pattern = re.compile(rf"\s*(?:\[+\s*)?\"?{re.escape(key)}\"?\s*(?:=|\]|\.)")
    return next((number for number, line in enumerate(text.splitlines(), 1) if pattern.match(line)), 0)
