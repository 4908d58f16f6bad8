"""`make up` and `make upgrade`: the bundle on a cluster, and its database moved to PostgreSQL 18 before one's eyes."""
