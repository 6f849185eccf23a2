"""A contract for import-linter: each package imports only what is listed for it, and nothing that is not listed."""

from __future__ import annotations

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class AllowList(Contract):
    """`allowed` holds lines such as `grader.evidence: grader.records`; a package may always import itself.

    `allowed_everywhere` are packages that every listed package may import. Direct imports within the root packages
    count; a package inside a root package that has no line breaks the contract.
    """

    type_name = "allow_list"

    containers = fields.ListField(subfield=fields.ModuleField())
    allowed_everywhere = fields.ListField(subfield=fields.ModuleField(), required=False)
    allowed = fields.ListField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Compare every direct import with the list."""
        del verbose
        lines = dict(line.split(":") for line in self.allowed)
        everywhere = {module.name for module in self.allowed_everywhere or ()}
        roots = {module.name for module in self.containers}  # these hold a version, and nothing else
        wrong = [f"{name} has no line in the list" for name in self._packages(graph) if name not in lines]
        for package, listed in lines.items():
            may = {package, *everywhere, *(name.strip() for name in listed.split(",") if name.strip())}
            for module in sorted({package, *graph.find_descendants(package)}):
                for used in sorted(graph.find_modules_directly_imported_by(module)):
                    ours = not graph.is_module_squashed(used) and used not in roots
                    if ours and not any(_within(used, name) for name in may):
                        wrong.append(f"{module} imports {used}, which is not listed for {package}")
        return ContractCheck(kept=not wrong, metadata={"wrong": wrong})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """List every import that is not allowed."""
        for line in check.metadata["wrong"]:
            output.print_error(line)

    def _packages(self, graph: ImportGraph) -> list[str]:
        return sorted(child for container in self.containers for child in graph.find_children(container.name))


def _within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")
