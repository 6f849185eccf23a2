"""What a class or function of the submission is, as its definition says."""

from __future__ import annotations

import ast

from grader.probes.documents.following.values import Class, Function, Instance, Value


def bound(found: Function, to: Value, owner: Class | None) -> Function:
    """Return a function of a class as it is called on an object, or on the class itself."""
    if decorated(found.node, "staticmethod"):
        return Function(found.node, found.scope, found.source, None, owner)
    if decorated(found.node, "classmethod"):
        to = to.of if isinstance(to, Instance) else to
    elif isinstance(to, Class):
        return found
    return Function(found.node, found.scope, found.source, to, owner)


def has_layers(of: Class) -> bool:
    """Return whether a module makes layers: one without, such as a Normalize, does nothing but what its code says."""
    init, _ = of.find("__init__")
    if not isinstance(init, Function):
        return False
    called = (node.func for node in ast.walk(init.node) if isinstance(node, ast.Call))
    names = [one.attr if isinstance(one, ast.Attribute) else getattr(one, "id", "") for one in called]
    return any(name[:1].isupper() and not name.endswith("Tensor") for name in names)


def decorated(node: ast.AST, *names: str) -> bool:
    """Return whether a function has one of these decorators."""
    decorators = getattr(node, "decorator_list", [])
    return any(isinstance(one, ast.Name) and one.id in names for one in decorators)


def called_by_python(node: ast.AST) -> bool:
    """Return whether a method is called by what uses an object, as `__getitem__` is."""
    name = getattr(node, "name", "")
    return name.startswith("__") and name != "__init__"
