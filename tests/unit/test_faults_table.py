"""The page about faults."""

from tests.faults_table import PAGE, with_table


def test_the_page_says_what_the_code_does() -> None:
    """``python -m tests.faults_table`` writes the table anew."""
    assert with_table(PAGE.read_text()) == PAGE.read_text()
