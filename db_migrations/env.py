"""Alembic's environment: runs on the connection that service.store.schema hands over."""

from alembic import context

from caviar.service.store.people_tables import metadata

connection = context.config.attributes.get("connection")
if connection is None:
    raise SystemExit("run migrations with: caviar migrate")

context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
context.run_migrations()
