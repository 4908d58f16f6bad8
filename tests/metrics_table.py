"""docs/metrics.md, whose tables are what the registries say: ``python -m tests.metrics_table`` brings it up to date."""

import re
from collections.abc import Iterator
from pathlib import Path

from prometheus_client import REGISTRY, CollectorRegistry
from pydantic import SecretStr

from app.db.engine import create_engine
from app.main import create_app
from app.operator import metrics as operator
from app.settings import Settings

DOC = Path(__file__).parents[1] / "docs" / "metrics.md"
assert operator  # being imported registers its metrics


def rows(registry: CollectorRegistry) -> Iterator[str]:
    """A line for each metric of ours, by the name that is asked for."""
    yield "| metric | type | is |"
    yield "| --- | --- | --- |"
    for family in sorted(registry.collect(), key=lambda family: family.name):
        if family.name.startswith("plinth_"):
            name = f"{family.name}_total" if family.type == "counter" else family.name
            yield f"| `{name}` | {family.type} | {family.documentation} |"


def app_registry() -> CollectorRegistry:
    """What an app with everything turned on registers."""
    settings = Settings(database_url=SecretStr("postgresql://u@h/d"))
    metrics = create_app(settings).state.metrics
    metrics.watch_pool(create_engine(settings))
    return metrics.registry


def current() -> str:
    """The page as the registries want it."""
    text = DOC.read_text()
    for name, registry in (("app", app_registry()), ("operator", REGISTRY)):
        begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
        table = "\n".join(rows(registry))
        text = re.sub(f"{begin}.*?{end}", lambda _, t=f"{begin}\n{table}\n{end}": t, text, flags=re.DOTALL)
    return text


if __name__ == "__main__":
    DOC.write_text(current())
