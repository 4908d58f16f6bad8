"""The pods' bridge, the Services' route and the fence around both."""

from pathlib import Path

from tests.cluster.commands import run, succeeds
from tests.cluster.console import say
from tests.cluster.local.layout import BRIDGE, GATEWAY, PODS, SERVICES, Layout

CHAIN = "PLINTH-CLUSTER"
MAC = "02:50:4c:49:4e:54"
_JUMP = ("FORWARD", "-j", CHAIN)
# Pods reach each other and nothing else: what needs the internet fails here, at once, and not in a user's cluster.
_RULES = (
    ("-s", PODS, "-d", PODS, "-j", "ACCEPT"),
    ("-s", PODS, "!", "-o", BRIDGE, "-j", "REJECT"),
)
_BRIDGED_PACKETS = Path("/proc/sys/net/bridge/bridge-nf-call-iptables")


def make_network(layout: Layout) -> None:
    _set_kernel_switches()
    if not succeeds("ip", "link", "show", BRIDGE):
        run("ip", "link", "add", BRIDGE, "type", "bridge")
    # Without an address of its own a bridge takes the lowest of its ports': it would change as pods come and go, and
    # pods that remember another one would reach neither DNS nor Services for many seconds.
    run("ip", "link", "set", BRIDGE, "address", MAC)
    run("ip", "address", "replace", f"{GATEWAY}/24", "dev", BRIDGE)
    run("ip", "link", "set", BRIDGE, "up")
    _send_no_redirects()
    # Service addresses get a route that ends on this machine, so that nothing meant for the cluster ever leaves it.
    run("ip", "route", "replace", SERVICES, "dev", BRIDGE, "src", GATEWAY)
    if not succeeds("iptables", "-n", "-L", CHAIN):
        run("iptables", "-N", CHAIN)
        for rule in _RULES:
            run("iptables", "-A", CHAIN, *rule)
    if not succeeds("iptables", "-C", *_JUMP):
        run("iptables", "-A", *_JUMP)
    layout.render("cni/10-bridge.conflist")


def _set_kernel_switches() -> None:
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
    if not _BRIDGED_PACKETS.exists():
        run("modprobe", "br_netfilter", check=False)
    if _BRIDGED_PACKETS.exists():
        _BRIDGED_PACKETS.write_text("1")
    else:
        say("the kernel module br_netfilter is not there: a pod may not reach a Service whose pod is on the same node")


def _send_no_redirects() -> None:
    """Every packet from pod to pod by way of a Service leaves the bridge where it came in, which the kernel answers
    with an ICMP redirect. Redirects use up the budget of the refusals (both are limited for each host), and a pod
    that connects to a Service without endpoints then waits for its time-out instead of being refused."""
    for interface in ("all", BRIDGE):  # either switch is enough to send them
        Path(f"/proc/sys/net/ipv4/conf/{interface}/send_redirects").write_text("0")


def remove_network(layout: Layout) -> None:
    run(layout.bin / "kube-proxy", "--cleanup", check=False)
    for program in ("iptables", "ip6tables"):
        _remove_chain(program, "KUBE-FIREWALL", "INPUT", "OUTPUT")  # the one chain that --cleanup forgets
        _remove_chain(program, CHAIN, "FORWARD")
    run("ip", "link", "delete", BRIDGE, check=False)


def _remove_chain(program: str, chain: str, *callers: str) -> None:
    for caller in callers:
        run(program, "-D", caller, "-j", chain, check=False)
    run(program, "-F", chain, check=False)
    run(program, "-X", chain, check=False)
