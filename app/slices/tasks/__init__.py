"""Tasks: what is to be done in a project."""
