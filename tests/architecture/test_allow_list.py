"""The contract notices an import that is not listed, and a package that has no line."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from grimp import ImportGraph

# beside this file, and no part of what is installed
spec = importlib.util.spec_from_file_location("allow_list", Path(__file__).with_name("allow_list.py"))
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
AllowList = module.AllowList


@pytest.fixture
def graph() -> ImportGraph:
    graph = ImportGraph()
    for module in ("app", "app.low", "app.low.values", "app.high", "app.high.work", "app.other"):
        graph.add_module(module)
    graph.add_module("numpy", is_squashed=True)
    graph.add_import(importer="app.high.work", imported="app.low.values")
    graph.add_import(importer="app.high.work", imported="numpy")
    return graph


def wrong(graph: ImportGraph, *allowed: str) -> list[str]:
    options = {"containers": ["app"], "allowed": list(allowed), "name": "x"}
    found: list[str] = AllowList("x", {"root_packages": ["app"]}, options).check(graph, False).metadata["wrong"]
    return found


def test_what_is_listed_is_kept(graph):
    assert wrong(graph, "app.low:", "app.other:", "app.high: app.low") == []


def test_an_import_that_is_not_listed_is_named(graph):
    assert wrong(graph, "app.low:", "app.other:", "app.high: app.other") == [
        "app.high.work imports app.low.values, which is not listed for app.high"
    ]


def test_a_package_without_a_line_is_named(graph):
    assert wrong(graph, "app.low:", "app.high: app.low") == ["app.other has no line in the list"]


def test_a_name_that_only_begins_alike_is_another_package(graph):
    graph.add_module("app.lower")
    graph.add_import(importer="app.high.work", imported="app.lower")
    assert wrong(graph, "app.low:", "app.lower:", "app.other:", "app.high: app.low") == [
        "app.high.work imports app.lower, which is not listed for app.high"
    ]
