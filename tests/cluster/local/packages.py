"""The Debian packages the one-node cluster is made of."""

from tests.cluster.commands import run
from tests.cluster.console import ClusterError, step

PACKAGES = (
    "buildah",
    "conntrack",
    "containerd",
    "containernetworking-plugins",
    "ipset",
    "iproute2",
    "iptables",
    "kmod",
    "mmdebstrap",
    "openssl",
    "procps",
    "runc",
    "socat",
    "util-linux",
)


def _missing(packages: tuple[str, ...]) -> list[str]:
    known = run("dpkg-query", "--show", "--showformat=${Package} ${db:Status-Status}\n", *packages, check=False)
    return sorted(set(packages) - {line.split()[0] for line in known.splitlines() if line.endswith(" installed")})


def install_packages(packages: tuple[str, ...] = PACKAGES) -> None:
    try:
        missing = _missing(packages)
    except ClusterError as error:
        raise ClusterError(
            f"CLUSTER=local installs Debian packages, and this is not Debian or Ubuntu ({error}): use CLUSTER=kind"
        ) from error
    if not missing:
        return
    with step(f"installing {' '.join(missing)}"):
        run("apt-get", "update", "-qq")
        quiet = {"DEBIAN_FRONTEND": "noninteractive"}
        run("apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing, env=quiet)
