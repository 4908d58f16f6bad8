"""docs/settings.md, whose tables are what app/settings says: ``python -m tests.settings_table`` brings it in step."""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from app.environment import variable
from app.settings import Settings
from app.settings.kinds import Group

DOC = Path(__file__).parents[1] / "docs" / "settings.md"


def tables() -> Iterator[str]:
    """A table for each group, under the first line of its module."""
    for group in Settings.__bases__:
        assert issubclass(group, Group)
        yield f"\n## {(sys.modules[group.__module__].__doc__ or '').strip().removesuffix('.')}\n"
        yield "| setting | default | meaning |"
        yield "| --- | --- | --- |"
        for name, field in group.model_fields.items():
            meaning = " ".join((field.description or "").split()).replace("``", "`").replace("|", r"\|")
            yield f"| `{variable(name)}` | {_default(field.default)} | {meaning} |"


def _default(value: object) -> str:
    if value is None:
        return ""
    return f"`{value if isinstance(value, str | Path) else json.dumps(value)}`"


def current() -> str:
    """The page as the settings want it."""
    begin, end = "<!-- settings: begin -->", "<!-- settings: end -->"
    whole = "\n".join((begin, *tables(), "", end))
    return re.sub(f"{begin}.*?{end}", lambda _: whole, DOC.read_text(), flags=re.DOTALL)


if __name__ == "__main__":
    DOC.write_text(current())
