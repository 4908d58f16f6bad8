"""Plinth: a FastAPI app, its migrations and its operator, for Kubernetes and PostgreSQL."""

__version__ = "0.2.0.dev0"
