"""Reading a GatedMigration."""

from datetime import timedelta
from typing import Any

import pytest

from app.operator.resource import parse
from tests.unit.operator.builders import body, resource


@pytest.mark.parametrize(("text", "seconds"), [("60s", 60), ("5m", 300), ("1h30m", 5400), ("1h0m1s", 3601)])
def test_a_duration_is_read_as_go_writes_it(text: str, seconds: int) -> None:
    """Hours, minutes and seconds."""
    assert resource(pollInterval=text).poll == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["soon", "", "0s", 7])
def test_no_duration_is_not_read_as_nothing(text: Any) -> None:
    """Nobody polls without a pause."""
    with pytest.raises(ValueError, match="pollInterval"):
        resource(pollInterval=text)


@pytest.mark.parametrize(
    ("field", "value"),
    [("paused", "perhaps"), ("minServerVersion", "new"), ("jobTemplate", []), ("databaseSecretRef", "owner")],
)
def test_nonsense_in_the_spec_is_named(field: str, value: Any) -> None:
    """Whoever reads the log knows what to mend."""
    with pytest.raises(ValueError, match=f"spec.{field}"):
        resource(**{field: value})


def test_a_status_that_is_none_counts_as_empty() -> None:
    """It is derived, and written anew."""
    assert parse({**body(), "status": "fine"}).status == {}


def test_resources_of_one_secret_share_an_observation() -> None:
    """Equal references in one namespace; anything else is another database."""
    assert resource().database_key == resource(revision="other").database_key
    another = {**resource().database, "ca": {"name": "ca", "key": "ca.crt"}}
    assert resource(databaseSecretRef=another).database_key != resource().database_key


@pytest.mark.parametrize("annotation", ["plinth.dev/approve", "plinth.dev/retry"])
def test_what_a_person_annotates_is_a_wish(annotation: str) -> None:
    """Others' annotations are not."""
    assert resource(annotations={annotation: "x"}).wish != resource().wish
    assert resource(annotations={"note": "x"}).wish == resource().wish


def test_an_approval_knows_when_and_by_what_it_was_written() -> None:
    """The API server notes both for each field."""
    made = body(annotations={"plinth.dev/approve": "uuidv7"})
    owned = {"f:metadata": {"f:annotations": {"f:plinth.dev/approve": {}}}}
    made["metadata"]["managedFields"] = [
        {"manager": "helm", "time": "2026-11-02T00:00:00Z", "fieldsV1": {"f:spec": {}}},
        {"manager": "kubectl-annotate", "time": "2026-11-03T00:00:00Z", "fieldsV1": owned},
    ]
    assert parse(made).approval == {
        "revision": "uuidv7",
        "time": "2026-11-03T00:00:00Z",
        "manager": "kubectl-annotate",
    }


def test_a_recorded_approval_keeps_its_time() -> None:
    """Another annotation by the same manager does not renew it."""
    recorded = {"revision": "uuidv7", "time": "2026-11-01T10:00:00Z", "manager": "kubectl-annotate"}
    of = resource(annotations={"plinth.dev/approve": "uuidv7"}, status={"approval": recorded})
    assert of.approval == recorded
