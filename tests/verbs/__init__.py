"""The chart under every verb, on every kind of database, in every mode, by either Helm: `make verbs`."""
