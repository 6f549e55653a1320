"""A contract for import-linter that it does not bring itself (.importlinter names it)."""

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class FacesContract(Contract):
    """Packages of ``container`` are entered through their ``__init__`` only: what it does not show is their own."""

    container = fields.StringField()

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Every import from one package of the container into the inside of another breaks it."""
        past = [
            f"{importer} -> {imported}"
            for importer in sorted(graph.modules)
            for imported in sorted(graph.find_modules_directly_imported_by(importer))
            if self._goes_past(graph, importer, imported)
        ]
        return ContractCheck(kept=not past, metadata={"past": past})

    def _goes_past(self, graph: ImportGraph, importer: str, imported: str) -> bool:
        room = self._room(imported)
        if room in ("", imported, self._room(importer)):
            return False
        # A name of the face may also be the name of a module behind it, as cost.bill is.
        lines = graph.get_import_details(importer=importer, imported=imported)
        return not all(line["line_contents"].startswith(f"from {room} import ") for line in lines)

    def _room(self, module: str) -> str:
        """The package of the container that a module is in; empty for what is outside."""
        inside = module.removeprefix(f"{self.container}.")
        return "" if inside == module else f"{self.container}.{inside.partition('.')[0]}"

    def render_broken_contract(self, check: ContractCheck) -> None:
        """The imports, a line each."""
        for line in check.metadata["past"]:
            output.print_error(line)
