"""What a rendered chart is made of, and the values most tests begin with."""

import re
from collections.abc import Iterator
from typing import Any

PASSWORDS = {f"{role}Password": f"{role}-password" for role in ("owner", "app", "superuser")}
EMBEDDED = {"postgresql": {"auth": PASSWORDS}}
EXTERNAL = {"database": {"existingSecret": "app-role"}}
TWO_ROLES = {**EXTERNAL, "migrations": {"existingSecret": "owner-role"}}

Object = dict[str, Any]


class Rendered(list[Object]):
    """The objects of a release."""

    def all(self, kind: str) -> list[Object]:
        return [one for one in self if one["kind"] == kind]

    def one(self, kind: str, name: str | None = None) -> Object:
        found = [one for one in self.all(kind) if name in (None, one["metadata"]["name"])]
        assert len(found) == 1, f"{kind} {name or ''}: {[one['metadata']['name'] for one in self.all(kind)]}"
        return found[0]

    def pods(self) -> dict[str, Object]:
        """The pods of every kind of object, by the object's name."""
        made = {
            one["metadata"]["name"]: one["spec"]["template"]["spec"]
            for one in self
            if "template" in one.get("spec", {})
        }
        return made | {one["metadata"]["name"]: one["spec"] for one in self.all("Pod")}


class Refused(Exception):
    """Helm refused the values; its words."""


def container(pod: Object) -> Object:
    """The one container of a pod."""
    (only,) = pod["containers"]
    return dict(only)


def environment(pod: Object) -> dict[str, str]:
    return {one["name"]: one["value"] for one in container(pod).get("env", [])}


LABELS = {"labels", "matchLabels", "selector"}
NAMES = re.compile(r"(?i)(.*name|namespace|path)$")


def odd(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Where a name or a label is no text, or nothing is."""
    if isinstance(value, dict | list):
        for key, one in value.items() if isinstance(value, dict) else enumerate(value):
            yield from odd(one, (*path, str(key)))
    elif value is None or (not isinstance(value, str) and (NAMES.match(path[-1]) or LABELS & set(path[-2:]))):
        yield path
