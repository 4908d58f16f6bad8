"""Slow on purpose: a slice that only the tests' own image has."""
