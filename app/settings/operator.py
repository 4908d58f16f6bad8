"""What the operator watches."""

from app.settings.kinds import Group, Port


class OperatorSettings(Group):
    operator_namespaces: list[str] = []
    """Namespaces the operator watches (JSON list): none is its own, ``["*"]`` all. Default: its own."""

    operator_health_port: Port = 8080
    """Port of the operator's ``/livez``. Default: 8080."""

    operator_metrics_port: Port = 9090
    """Port of the operator's ``/metrics``; 0 turns it off. Default: 9090."""

    operator_kubernetes_verify_strict: bool = True
    """Whether the API server's certificate is verified as strictly as Python 3.13 does. Default: true. Some clusters'
    CAs lack ``keyUsage`` and are refused then; ``false`` verifies them as other clients do."""
