"""What gated revisions share: each states the server it needs, and refuses an older one itself."""

from alembic import op


def require_server_version(major: int) -> None:
    """Fail the revision on a server older than ``major``; asked of the server by SQL, so `--sql` refuses too."""
    op.execute(
        f"""DO $plinth$ BEGIN
  IF current_setting('server_version_num')::int < {major * 10_000} THEN
    RAISE EXCEPTION 'this gated revision needs PostgreSQL {major}, and this server is %',
      current_setting('server_version') USING ERRCODE = 'feature_not_supported', HINT = 'Upgrade the server first.';
  END IF;
END $plinth$"""
    )
