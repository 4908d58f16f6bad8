"""Fixtures for all tests, loaded by what they need."""

pytest_plugins = ["tests.servers.fixtures", "tests.cluster.fixtures"]
