"""What other people's linters say about the chart and the Dockerfiles, and what of it is accepted: docs/linters.md."""
