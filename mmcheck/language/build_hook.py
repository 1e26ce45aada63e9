"""A hook for hatchling: puts the parse table of the specification language into the package.

Building the table takes a quarter of a second and reading it a twentieth of that. A table is only ever a saving: if
it cannot be built here, or if lark or Python are others where the package runs, mmcheck builds its own.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

TABLE = "mmcheck/language/syntax/_table.bin"


class ParseTable(BuildHookInterface[Any]):  # type: ignore[misc,unused-ignore]
    """Adds `TABLE` to a wheel; for an editable install it is written where it will be read."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        root = Path(self.root)
        if version == "editable":
            self._build(root, root / TABLE)
            return
        self._scratch = tempfile.TemporaryDirectory()
        path = Path(self._scratch.name) / "_table.bin"
        if self._build(root, path):
            build_data["force_include"][str(path)] = TABLE

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        scratch = getattr(self, "_scratch", None)
        if scratch is not None:
            scratch.cleanup()

    def _build(self, root: Path, path: Path) -> bool:
        sys.path.insert(0, str(root))
        try:
            from mmcheck.language.syntax.parse import build_table

            build_table(path)
        except Exception as error:
            self.app.display_warning(f"no parse table was built ({error}); mmcheck will build it when it first runs")
            return False
        finally:
            sys.path.remove(str(root))
        return True
