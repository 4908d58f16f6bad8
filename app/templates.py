"""What is made of Mako templates: code by `plinth new`, objects by the operator. A name without a value is an error."""

import json
from functools import cache
from pathlib import Path
from typing import Any, cast

import yaml
from mako.template import Template


def text(path: Path, **values: Any) -> str:
    """What the template says, each value as it is."""
    return str(Template(filename=str(path), strict_undefined=True).render(**values))  # noqa: S702 - makes no HTML


def document(path: Path, **values: Any) -> dict[str, Any]:
    """The YAML the template is; each value is filled in as JSON, which is YAML: it stays the value it is."""
    made = yaml.safe_load(_of_json(path).render(**values))
    # JSON writes a character beyond 16 bits as two, which YAML does not put together again.
    return cast("dict[str, Any]", json.loads(json.dumps(made)))


@cache
def _of_json(path: Path) -> Template:
    imports = ["from json import dumps"]
    return Template(filename=str(path), strict_undefined=True, default_filters=["dumps"], imports=imports)  # noqa: S702
