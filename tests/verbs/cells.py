"""The matrix: what is done to a release (rows), and under which circumstances (columns)."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Database(StrEnum):
    """External ones are a server's that is there before the release; the embedded one is the chart's."""

    EXTERNAL_17 = "external-17"
    EXTERNAL_18 = "external-18"
    EMBEDDED = "embedded"


class Mode(StrEnum):
    """The value `migrations.mode`; in mode `argocd` Helm only renders, and Argo CD's order is followed."""

    HOOK = "hook"
    JOB = "job"
    ARGOCD = "argocd"


class Client(StrEnum):
    HELM3 = "helm3"
    HELM4 = "helm4"


class Verb(StrEnum):
    """A row. What each does, and what holds afterwards, is in tests/verbs/acts.py."""

    INSTALL = "install"
    INSTALL_WAIT = "install-wait"
    INSTALL_ATOMIC = "install-atomic"
    UPGRADE_SAME = "upgrade-same"
    UPGRADE_REVISION = "upgrade-revision"
    UPGRADE_FAILING = "upgrade-failing"
    CLIENT_KILLED = "client-killed"
    KUBELET_STOPPED = "kubelet-stopped"
    POD_DELETED = "pod-deleted"
    ROLLBACK = "rollback"
    ROLLBACK_FAILED = "rollback-failed"
    FROM_RELEASE = "from-release"
    UNINSTALL = "uninstall"
    REINSTALL = "reinstall"
    TWO_RELEASES = "two-releases"
    LONG_NAMES = "long-names"
    TEMPLATE_APPLY = "template-apply"
    SERVER_SIDE = "server-side"


TITLES = {
    Verb.INSTALL: "install",
    Verb.INSTALL_WAIT: "install `--wait`",
    Verb.INSTALL_ATOMIC: "install `--wait --atomic` (Helm 4: `--rollback-on-failure`)",
    Verb.UPGRADE_SAME: "upgrade without changes",
    Verb.UPGRADE_REVISION: "upgrade with a new revision",
    Verb.UPGRADE_FAILING: "upgrade with a revision that fails, then with the mended one",
    Verb.CLIENT_KILLED: "upgrade whose client is killed, then again",
    Verb.KUBELET_STOPPED: "upgrade while the node's kubelet is stopped, then again",
    Verb.POD_DELETED: "upgrade whose Job's pod is deleted, then again",
    Verb.ROLLBACK: "rollback of one release",
    Verb.ROLLBACK_FAILED: "rollback after a failed upgrade",
    Verb.FROM_RELEASE: "upgrade from the previous release's chart, with data",
    Verb.UNINSTALL: "uninstall",
    Verb.REINSTALL: "install again on the same database",
    Verb.TWO_RELEASES: "two releases in one namespace",
    Verb.LONG_NAMES: "long release name and overrides",
    Verb.TEMPLATE_APPLY: "`helm template` and `kubectl apply`",
    Verb.SERVER_SIDE: "server-side apply, twice",
}

HELMS = (Mode.HOOK, Mode.JOB)
NO_WAIT = "Argo CD knows neither `--wait` nor `--atomic`: it always waits, wave by wave."
NO_HOOKS = "`kubectl apply` runs no hooks, so the chart is rendered in mode `job`, with `--no-hooks`."
RESTRICTED: dict[Verb, tuple[tuple[Mode, ...], str]] = {
    Verb.INSTALL_WAIT: (HELMS, NO_WAIT),
    Verb.INSTALL_ATOMIC: (HELMS, NO_WAIT),
    Verb.TEMPLATE_APPLY: ((Mode.JOB,), NO_HOOKS),
    Verb.SERVER_SIDE: ((Mode.JOB,), NO_HOOKS),
}
"""Rows that make no sense in every mode: the modes in which they do, and why in no other."""

BEGINNINGS = (Verb.INSTALL, Verb.INSTALL_WAIT, Verb.INSTALL_ATOMIC)
"""How a release comes to be before its verb is tried: each run begins with one of them, and so proves it."""
ON_THE_WAY = {
    Verb.LONG_NAMES: (Verb.UPGRADE_SAME,),
    Verb.REINSTALL: (Verb.UNINSTALL,),
}
"""Rows that a run of another row goes through."""
OWN = tuple(
    verb for verb in Verb if verb not in BEGINNINGS and verb not in {one for way in ON_THE_WAY.values() for one in way}
)
"""Rows with runs of their own."""
BY_THEMSELVES = {Verb.FROM_RELEASE, Verb.TEMPLATE_APPLY, Verb.SERVER_SIDE}
"""Rows that begin in a way of their own."""


@dataclass(frozen=True, order=True)
class Cell:
    """One verb under one set of circumstances."""

    verb: Verb
    database: Database
    mode: Mode
    client: Client

    def __str__(self) -> str:
        return f"{self.verb}/{self.database}/{self.mode}/{self.client}"

    @classmethod
    def named(cls, name: str) -> "Cell":
        verb, database, mode, client = name.split("/")
        return cls(Verb(verb), Database(database), Mode(mode), Client(client))

    def of(self, verb: Verb) -> "Cell":
        """Another verb under the same circumstances."""
        return Cell(verb, self.database, self.mode, self.client)

    @property
    def why_not(self) -> str | None:
        """Why it makes no sense; None where it does."""
        modes, reason = RESTRICTED.get(self.verb, (tuple(Mode), ""))
        return None if self.mode in modes else reason

    @property
    def beginning(self) -> Verb | None:
        """How a run of it begins: the three ways in turn, so that each meets every circumstance."""
        if self.verb in BY_THEMSELVES:
            return None
        if self.mode is Mode.ARGOCD:
            return Verb.INSTALL
        positions = (
            list(Database).index(self.database),
            list(Mode).index(self.mode),
            list(Client).index(self.client),
        )
        turn = OWN.index(self.verb) + sum(positions)
        return BEGINNINGS[turn % len(BEGINNINGS)]

    @property
    def proves(self) -> tuple["Cell", ...]:
        """The cells a run of this one goes through, itself last."""
        first = () if self.beginning is None else (self.beginning,)
        return tuple(self.of(verb) for verb in (*first, *ON_THE_WAY.get(self.verb, ()), self.verb))


def possible() -> Iterator[Cell]:
    """Every cell that makes sense, in the page's order."""
    return (cell for cell in every() if cell.why_not is None)


def every() -> Iterator[Cell]:
    return (
        Cell(verb, database, mode, client)
        for verb in Verb
        for database in Database
        for mode in Mode
        for client in Client
    )


def runs() -> list[Cell]:
    """The cells with runs of their own: together they prove every other one."""
    return [cell for cell in possible() if cell.verb in OWN]
