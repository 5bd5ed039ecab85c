"""The two tables of the feedback store, as SQLAlchemy sees them; the migrations make them."""

from sqlalchemy import JSON, CheckConstraint, Column, Double, Index, MetaData, SmallInteger, Table, Text

metadata = MetaData()

answers = Table(
    "answers",
    metadata,
    Column("request_id", Text, primary_key=True),
    Column("session", Text, nullable=False),
    Column("at", Double, nullable=False),
    Column("arm", Text, nullable=False),
    Column("emotion", Text, nullable=False),
    Column("probability", Double, nullable=False),
    Column("topic", Text),
    Column("strategy", Text, nullable=False),
    Column("versions", JSON, nullable=False),
    Column("degraded", JSON, nullable=False),
    Column("text", Text),
    Index("answers_session", "session"),
    Index("answers_at", "at"),
)

ratings = Table(
    "ratings",
    metadata,
    Column("session", Text, primary_key=True),
    Column("satisfaction", SmallInteger, nullable=False),
    Column("at", Double, nullable=False),
    Column("request_id", Text),
    Column("comment", Text),
    CheckConstraint("satisfaction BETWEEN 1 AND 3", name="ratings_satisfaction"),
)
