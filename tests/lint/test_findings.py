"""Which findings count: pure functions over made-up ones."""

from tests.lint.findings import Accepted, Finding, accepted, outdated, unexplained

FOUND = Finding("kube-score", "no limit", "Job/plinth-migrate-1234abcd")
ENTRY = Accepted("kube-score", "no limit", ("Job/plinth-migrate*",), "a reason")


def test_an_accepted_finding_does_not_count() -> None:
    """An entry covers every object its pattern names."""
    assert unexplained([FOUND], [ENTRY]) == []
    assert outdated([FOUND], [ENTRY]) == []


def test_another_rule_or_object_or_tool_counts() -> None:
    """Nothing is covered that the entry does not name."""
    others = [
        Finding("checkov", "no limit", FOUND.object),
        Finding("kube-score", "no probe", FOUND.object),
        Finding("kube-score", "no limit", "Deployment/plinth"),
    ]
    assert unexplained(others, [ENTRY]) == sorted(others)


def test_an_object_that_is_mended_must_leave_the_list() -> None:
    """An entry is outdated as soon as one of its patterns covers nothing."""
    entry = Accepted(ENTRY.tool, ENTRY.rule, (*ENTRY.objects, "Pod/gone"), ENTRY.reason)
    assert outdated([FOUND], [entry]) == ["kube-score: Pod/gone: no limit"]


def test_every_entry_says_why() -> None:
    """A reason is a sentence."""
    assert [entry.rule for entry in accepted() if not entry.reason.endswith(".") or " " not in entry.reason] == []
