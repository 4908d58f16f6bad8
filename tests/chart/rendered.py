"""What a rendered chart is made of, and the values most tests begin with."""

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
