"""Of a team's own slices, one file each: docs/adopt.md."""
