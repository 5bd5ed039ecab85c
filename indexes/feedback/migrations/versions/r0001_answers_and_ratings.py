"""The first tables: answers and ratings."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make both tables."""
    op.create_table(
        "answers",
        sa.Column("request_id", sa.Text, primary_key=True),
        sa.Column("session", sa.Text, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("arm", sa.Text, nullable=False),
        sa.Column("emotion", sa.Text, nullable=False),
        sa.Column("probability", sa.Double, nullable=False),
        sa.Column("topic", sa.Text),
        sa.Column("strategy", sa.Text, nullable=False),
        sa.Column("versions", sa.JSON, nullable=False),
        sa.Column("degraded", sa.JSON, nullable=False),
        sa.Column("text", sa.Text),
    )
    op.create_index("answers_session", "answers", ["session"])
    op.create_index("answers_at", "answers", ["at"])
    op.create_table(
        "ratings",
        sa.Column("session", sa.Text, primary_key=True),
        sa.Column("satisfaction", sa.SmallInteger, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("request_id", sa.Text),
        sa.Column("comment", sa.Text),
        sa.CheckConstraint("satisfaction BETWEEN 1 AND 3", name="ratings_satisfaction"),
    )


def downgrade() -> None:
    """Drop both tables."""
    op.drop_table("ratings")
    op.drop_table("answers")
