"""What a transaction is begun with."""

from uuid import UUID

import pytest

from app.db.context import Context, opening


def test_nothing_is_said_where_there_is_nothing_to_say() -> None:
    """Then a BEGIN is just that."""
    assert opening(Context(), {}) == ""


def test_limits_and_context_are_one_statement() -> None:
    """A tenant without a user clears the user: another transaction's must not stay."""
    assert opening(Context(UUID(int=7)), {"statement_timeout": "1500ms"}) == (
        "SELECT WHERE num_nulls(set_config('statement_timeout', '1500ms', true), "
        "set_config('plinth.tenant_id', '00000000-0000-0000-0000-000000000007', true), "
        "set_config('plinth.user_id', '', true)) < 0"
    )


@pytest.mark.parametrize("user", ["it's", "\\'; DROP TABLE projects; --", "$1", "é", "a b", "\ud800"])
def test_no_user_can_end_the_text_it_is_in(user: str) -> None:
    """What is not plain goes as hexadecimal digits, whatever the server takes a backslash for."""
    sql = opening(Context(UUID(int=7), user), {})
    digits = user.encode(errors="surrogatepass").hex()
    assert f", set_config('plinth.user_id', convert_from(decode('{digits}', 'hex'), 'UTF8'), true)) <" in sql
