"""What schemathesis cannot know from the document: a key is for one request."""

import re
from uuid import uuid4

import schemathesis
from schemathesis import Case, HookContext

from app.idempotency import HEADER, PATTERN


@schemathesis.hook
def before_call(context: HookContext, case: Case, kwargs: dict[str, object]) -> None:
    """A well-formed key becomes a new one, as a client makes it; a malformed one stays."""
    headers = case.headers or {}
    if re.fullmatch(PATTERN, str(headers.get(HEADER, ""))):
        headers[HEADER] = str(uuid4())
