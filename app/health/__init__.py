"""Probes: what was observed (checker, database), what follows from it (verdicts), and how it is asked (routes)."""
