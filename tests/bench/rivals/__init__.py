"""The same API twice more: as little as it can be (`floor`), and as it is usually written (`textbook`).

Neither imports anything of `app`. Both take the app's environment, so that the three differ by nothing but their code:
`PLINTH_DATABASE_URL`, `PLINTH_DATABASE_POOL_SIZE` and `PLINTH_TENANT_SOURCE` (`none` or `header`).
"""
