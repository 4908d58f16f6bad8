"""Where settings come from: variables, the files of a mounted secret, and what must not be taken for one."""

import difflib
import os
import re
from collections.abc import Iterable
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import EnvSettingsSource, PydanticBaseSettingsSource

from app.errors import SettingsError

PREFIX = "PLINTH_"
SECRETS_DIR = "PLINTH_SECRETS_DIR"
DEFAULT_SECRETS_DIR = "/run/secrets/plinth"

# What Kubernetes adds to a pod for each Service of its namespace; a Service named plinth makes PLINTH_PORT.
_SERVICE_LINK = re.compile(r"^PLINTH_(.*_)?(SERVICE_HOST|SERVICE_PORT(_.*)?|PORT(_\d+_.*)?)$")
_SERVICE_LINK_VALUE = re.compile(r"^(tcp|udp|sctp)://[\[\]\w.:]+$")


class DatabaseUrl(PydanticBaseSettingsSource):
    """``DATABASE_URL``, the name other tools use, where no ``PLINTH_`` source says anything."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[object, str, bool]:
        return None, field_name, False

    def __call__(self) -> dict[str, object]:
        url = os.environ.get("DATABASE_URL")
        return {"database_url": url} if url else {}


def without_service_links(source: PydanticBaseSettingsSource) -> PydanticBaseSettingsSource:
    """The variables less those of Services: one named plinth-metrics makes PLINTH_METRICS_PORT=tcp://..."""
    if isinstance(source, EnvSettingsSource):
        links = {name for name, value in source.env_vars.items() if _SERVICE_LINK_VALUE.match(value or "")}
        source.env_vars = {name: value for name, value in source.env_vars.items() if name not in links}
    return source


def cannot_be_changed_underway(url: str) -> bool:
    """Whether what a URL answers is protected from the network: by TLS, or as it never leaves this machine."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    if parts.scheme == "http":
        with suppress(ValueError):
            return ip_address(parts.hostname or "").is_loopback
        return parts.hostname == "localhost"
    return parts.scheme == "https" and bool(parts.hostname)


def mounted_version(folder: Path) -> Path:
    """The folder behind a mounted secret as it is now.

    Kubernetes changes a secret by one swap of the link ``..data``: read behind it, all files are of one version.
    """
    link = folder / "..data"
    return link.resolve() if link.exists() else folder


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + name.upper()


def refuse_unknown(settings: Iterable[str]) -> None:
    """Raise SettingsError for a variable that looks like a setting and is none of these."""
    known = {variable(name) for name in settings} | {SECRETS_DIR}
    for name in os.environ:
        if name.startswith(PREFIX) and name not in known and not _SERVICE_LINK.match(name):
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else "; docs/settings.md lists them all."
            raise SettingsError(f"There is no setting {name}{hint}")


def sentence(error: ValidationError) -> str:
    """All problems in one line; the values are left out, as they may be secret."""
    problems = []
    for problem in error.errors(include_url=False, include_input=False):
        where = variable(str(problem["loc"][0])) if problem["loc"] else "Settings"
        problems.append(f"{where}: {problem['msg'].removeprefix('Value error, ')}")
    return "; ".join(problems) + "."
