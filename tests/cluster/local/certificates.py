"""The cluster's certificate authority, its certificates and the kubeconfig of each component."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.commands import run
from tests.cluster.local.layout import API_SERVICE, GATEWAY, NODE, Layout

DAYS = "3650"  # a cluster for development: it must not stop one morning


NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")


@dataclass(frozen=True)
class Client:
    """A component that logs in; ``subject`` is the user and group Kubernetes' own roles are bound to."""

    name: str
    subject: str


ADMINISTRATORS = "/O=system:masters/CN="
CLIENTS = (
    Client("admin", ADMINISTRATORS + "admin"),
    Client("coredns", ADMINISTRATORS + "coredns"),
    Client("volumes", ADMINISTRATORS + "volumes"),
    Client("kubelet", f"/O=system:nodes/CN=system:node:{NODE}"),
    Client("kube-controller-manager", "/CN=system:kube-controller-manager"),
    Client("kube-scheduler", "/CN=system:kube-scheduler"),
    Client("kube-proxy", "/CN=system:kube-proxy"),
)
API_SERVER_NAMES = ",".join(
    [f"IP:{ip}" for ip in ("127.0.0.1", API_SERVICE, GATEWAY)]
    + [f"DNS:kubernetes{suffix}" for suffix in ("", ".default", ".default.svc", ".default.svc.cluster.local")]
    + ["DNS:localhost"]
)
# Python 3.13 verifies strictly: without key usages and key identifiers everywhere the operator could not log in.
EXTENSIONS = """\
basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature,keyEncipherment
extendedKeyUsage=serverAuth,clientAuth
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid
"""


def make_certificates(layout: Layout, clients: Sequence[Client] = CLIENTS) -> None:
    pki = layout.pki
    if (pki / "complete").exists():
        return
    pki.mkdir(parents=True, exist_ok=True, mode=0o700)
    run(
        "openssl", "req", "-x509", *NEW_KEY, "-nodes", "-days", DAYS, "-subj", "/CN=plinth-cluster",
        "-addext", "keyUsage=critical,keyCertSign,cRLSign,digitalSignature",
        "-keyout", pki / "ca.key", "-out", pki / "ca.crt",
    )  # fmt: skip
    run("openssl", "genpkey", "-algorithm", "RSA", "-out", pki / "service-accounts.key")
    _sign(pki, "apiserver", "/CN=kube-apiserver", API_SERVER_NAMES)
    _sign(pki, "kubelet-server", f"/CN={NODE}", f"IP:127.0.0.1,IP:{GATEWAY},DNS:{NODE}")
    for client in clients:
        _sign(pki, client.name, client.subject)
        _write_kubeconfig(layout, client.name)
    (pki / "complete").touch()


def _sign(pki: Path, name: str, subject: str, names: str = "") -> None:
    request, extensions = pki / f"{name}.csr", pki / f"{name}.ext"
    extensions.write_text(EXTENSIONS + (f"subjectAltName={names}\n" if names else ""))
    run(
        "openssl", "req", "-new", *NEW_KEY, "-nodes", "-subj", subject,
        "-keyout", pki / f"{name}.key", "-out", request,
    )  # fmt: skip
    run(
        "openssl", "x509", "-req", "-in", request, "-CA", pki / "ca.crt", "-CAkey", pki / "ca.key", "-CAcreateserial",
        "-days", DAYS, "-extfile", extensions, "-out", pki / f"{name}.crt",
    )  # fmt: skip


def _write_kubeconfig(layout: Layout, name: str) -> None:
    pki = layout.pki

    def data(file: str) -> str:
        return base64.b64encode((pki / file).read_bytes()).decode()

    server = {"server": f"https://127.0.0.1:{layout.api_port}", "certificate-authority-data": data("ca.crt")}
    user = {"client-certificate-data": data(f"{name}.crt"), "client-key-data": data(f"{name}.key")}
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "plinth", "cluster": server}],
        "users": [{"name": name, "user": user}],
        "contexts": [{"name": "plinth", "context": {"cluster": "plinth", "user": name}}],
        "current-context": "plinth",
    }
    path = pki / f"{name}.kubeconfig"
    path.write_text(json.dumps(content, indent=2))
    path.chmod(0o600)
