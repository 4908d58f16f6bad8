"""The database: addresses, engine, sessions, base columns, ids, faults, and what is known of the server."""
