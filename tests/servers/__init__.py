"""PostgreSQL 17 and 18 from Python packages, and databases on them, for the tests that need a real server."""
