"""What was measured, as plain values: all rounds of each variant, so that a page can show more than a ratio."""

import statistics
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Measurement:
    """One variant of one thing, in each round."""

    name: str
    variant: str
    unit: str
    values: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def spread(self) -> tuple[float, float]:
        return min(self.values), max(self.values)


class Measurements:
    """All of a run, in the order they were first made."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, str], Measurement] = {}

    def __iter__(self) -> Iterator[Measurement]:
        return iter(self._made.values())

    def add(self, name: str, variant: str, unit: str, value: float) -> None:
        """One round more of a variant."""
        self._made.setdefault((name, variant), Measurement(name, variant, unit)).values.append(value)

    def median(self, name: str, variant: str) -> float:
        return self._made[name, variant].median

    def most(self, name: str, variant: str) -> float:
        return self._made[name, variant].spread[1]

    def least(self, name: str, variant: str) -> float:
        return self._made[name, variant].spread[0]

    def ratio(self, name: str, variant: str, against: str) -> float:
        """Of the medians of two variants."""
        return self.median(name, variant) / self.median(name, against)

    def as_json(self) -> dict[str, dict[str, Any]]:
        """Variants by their names, of each thing that was measured."""
        names = dict.fromkeys(one.name for one in self)
        return {name: {one.variant: _plain(one) for one in self if one.name == name} for name in names}

    @classmethod
    def of(cls, data: Mapping[str, Mapping[str, Any]]) -> "Measurements":
        """What `as_json` gave."""
        found = cls()
        for name, variants in data.items():
            for variant, one in variants.items():
                for value in one["values"]:
                    found.add(name, variant, one["unit"], value)
        return found


def _plain(one: Measurement) -> dict[str, Any]:
    return {"unit": one.unit, "values": [float(f"{value:.6g}") for value in one.values]}
