"""A definition's docstring, read into its card: prose first, then headed sections.

One sentence a user would say.

More, if it helps.

Formula:
    ½ e² where |e| ≤ δ
Shapes: / Units: / Convention: / Errata: / Raises: / Source: / Example:
"""

import inspect
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SECTIONS = ("Formula", "Shapes", "Units", "Convention", "Errata", "Raises", "Source", "Example")
_HEADING = re.compile(rf"^({'|'.join(SECTIONS)}):\s*(.*)$")


@dataclass(frozen=True)
class Document:
    """What the docstring says, by section."""

    summary: str
    description: str
    sections: Mapping[str, str] = field(default_factory=dict)

    @property
    def sources(self) -> list[str]:
        """One entry per line of `Source:`; a line that begins with a link goes on with the entry before it."""
        text = re.sub(r"\n(?=doi:|https?:)", " ", self.sections.get("Source", ""))
        return [line.strip() for line in text.splitlines() if line.strip()]

    @property
    def example(self) -> tuple[dict[str, Any], Any]:
        """The example request, and the value that the docstring claims for it."""
        request, _, value = self.sections["Example"].partition("→")
        return json.loads(request), json.loads(value)


def read_document(documented: object) -> Document:
    """Split an object's docstring into summary, description and sections."""
    lines = (inspect.getdoc(documented) or "").splitlines()
    prose: list[str] = []
    sections: dict[str, list[str]] = {}
    current = prose
    for line in lines:
        heading = _HEADING.match(line)
        if heading:
            current = sections.setdefault(heading[1], [heading[2]] if heading[2] else [])
        else:
            current.append(line.strip() if current is not prose else line)
    summary, _, description = "\n".join(prose).strip().partition("\n")
    return Document(summary, description.strip(), {name: "\n".join(text).strip() for name, text in sections.items()})
