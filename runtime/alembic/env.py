"""Alembic's environment for every owner: which tables and which connection come from `runtime.migrations`."""

from alembic import context

from runtime.migrations import render_item

config = context.config
context.configure(
    connection=config.attributes["connection"],
    target_metadata=config.attributes["metadata"],
    render_as_batch=config.attributes["connection"].dialect.name == "sqlite",
    render_item=render_item,
)
with context.begin_transaction():
    context.run_migrations()
