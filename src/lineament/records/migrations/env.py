"""Run by Alembic inside the transaction that `records.store` opened."""

from alembic import context

from lineament.records.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
