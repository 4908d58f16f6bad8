"""The matrix, and the few runs that stand for it."""

from tests.e2e.test_verbs import CUT
from tests.verbs.cells import BEGINNINGS, OWN, Cell, Client, Database, Mode, Verb, every, possible, runs
from tests.verbs.cover import MOST, cover, proved, wanted


def test_the_cover_meets_every_pair() -> None:
    """Each verb with each database, mode and client that is possible, and those with one another."""
    chosen = cover()
    assert proved(chosen) == wanted()
    assert len(chosen) <= MOST


def test_the_cover_is_always_the_same() -> None:
    """Two machines run the same cells."""
    assert cover() == cover()


def test_pairs_are_counted_as_they_are() -> None:
    """All pairs of verbs and columns but those that make no sense."""
    verbs = {(verb.value, value.value) for verb in Verb for values in (Database, Mode, Client) for value in values}
    without = {(verb, mode) for verb, mode in verbs - wanted()}
    assert without == {
        ("install-wait", "argocd"),
        ("install-atomic", "argocd"),
        *((verb, mode) for verb in ("template-apply", "server-side") for mode in ("hook", "argocd")),
    }


def test_all_runs_prove_all_cells() -> None:
    """ALL=1 leaves no cell out, those without runs of their own included."""
    assert {proof for cell in runs() for proof in cell.proves} == set(possible())


def test_every_other_cell_says_why_not() -> None:
    """What makes no sense has its reason in words."""
    for cell in every():
        assert cell.why_not is None or cell.why_not.endswith("."), cell


def test_a_cell_is_found_by_its_name() -> None:
    """What the table and the command line say is the cell."""
    assert all(Cell.named(str(cell)) == cell for cell in every())


def test_a_run_begins_with_an_install_and_ends_with_its_verb() -> None:
    """What comes before a verb is a cell of its own, under the same circumstances."""
    for cell in runs():
        assert cell.proves[-1] == cell
        assert cell.beginning in (None, *BEGINNINGS)
    assert set(OWN) < set(Verb)


def test_the_cut_of_the_end_to_end_tests_has_every_value() -> None:
    """Both Helms, three modes, three databases."""
    cells = [Cell.named(name) for name in CUT]
    assert all(cell in runs() for cell in cells)
    assert {value for cell in cells for value in (cell.database, cell.mode, cell.client)} == {*Database, *Mode, *Client}
