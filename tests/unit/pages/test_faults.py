"""The page about faults."""

from tests.pages.faults import PAGE, with_table


def test_the_page_says_what_the_code_does() -> None:
    """``python -m tests.pages.faults`` writes the table anew."""
    assert with_table(PAGE.read_text()) == PAGE.read_text()
