"""Migrations of the feedback store, run by alembic whenever a store is opened for writing."""
