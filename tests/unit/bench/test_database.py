"""What the figures of the database make of what was measured."""

import pytest

from tests.bench.database import batches, flip, forms, migrators, pages, parts, sizes
from tests.bench.database.measurements import Measurements
from tests.bench.database.rounds import rotated


def measured(**values: list[float]) -> Measurements:
    found = Measurements()
    for variant, rounds in values.items():
        for value in rounds:
            found.add("a row", variant, "µs", value)
    return found


def test_a_ratio_is_of_medians():
    """One slow round of either does not count."""
    assert measured(ours=[1.1, 9, 1.0], floor=[1.0, 1.0, 9]).ratio("a row", "ours", "floor") == 1.1


def test_all_rounds_are_kept():
    """As plain values by name and variant, from which the figures can be made again."""
    kept = measured(ours=[3, 1, 2.00000004]).as_json()
    assert kept == {"a row": {"ours": {"unit": "µs", "values": [3, 1, 2]}}}
    assert Measurements.of(kept).as_json() == kept
    assert Measurements.of(kept).median("a row", "ours") == 2


def test_another_is_first_in_each_round():
    """Each variant is so often behind each other one."""
    assert [[*rotated("abc", number)] for number in range(4)] == [[*"abc"], [*"bca"], [*"cab"], [*"abc"]]


class Known(Measurements):
    """Found nothing, and knows that the variant that is compared took twice as much."""

    def median(self, name: str, variant: str) -> float:
        return 1

    least = median

    def ratio(self, name: str, variant: str, against: str) -> float:
        return 2 if (variant, against) in OVER else 0.5


OVER = {
    (forms.OURS, forms.NATIVE),
    (sizes.V7, sizes.V4),
    (sizes.V7, sizes.BIGINT),
    (flip.WITH, flip.WITHOUT),
    ("1,000 tables", "20 tables"),
    (migrators.FLIP, migrators.ALEMBIC),
    ("below18: v7", "v4"),
    ("below18: v7 before", "v7 before"),
    (batches.OURS, batches.UNNEST),
    (pages.LATER, pages.FIRST),
}
"""What is compared, against what it is compared with: each the right way round."""
LIMITS = {
    "forms": [1.02] * 4,
    "sizes": [31.8, 0.78, 1.12, 0.20],
    "flip": [2, 1.5, 1.5],
    "migrators": [1.1, 1.1],
    "below18": [0.90, 0.82, 0, 1.05],
    "batches": [1.6, 1.6, 1.6, 1.6, 0],
    "pages": [1.2],
}


@pytest.mark.parametrize("name", LIMITS)
def test_each_ratio_is_of_ours_against_theirs(name: str, monkeypatch: pytest.MonkeyPatch):
    """And has the limit that was promised."""
    monkeypatch.setattr(forms, "servers", lambda: {"one": None, "another": None})
    figures = [*parts()[name].figures(Known())]
    assert [one.limit for one in figures] == LIMITS[name]
    assert {one.value for one in figures if one.unit == "x"} == {2}


def test_every_part_has_its_figures():
    """None is left out."""
    assert parts().keys() == LIMITS.keys()
