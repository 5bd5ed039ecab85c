"""What travels over the operators' routes."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from graph.schema import Wire
from indexes.mining.drafts import Draft

Line = Annotated[str, StringConstraints(min_length=1, max_length=500)]


class DraftList(Wire):
    """Drafts, the most asked first."""

    drafts: list[Draft]


class DraftChange(Wire):
    """Fields of a draft to change; what is not given stays."""

    reply: Line | None = Field(default=None, description="The comfort, written by you.")
    topic: Line | None = None
    emotions: list[Line] | None = Field(default=None, description="The first is that of the question.")
    question: Line | None = None
    paraphrases: list[Line] | None = Field(default=None, description="Replaces all.")
    hard_negatives: list[Line] | None = Field(default=None, description="Replaces all.")


class Release(Wire):
    """A publish or a rollback: under way, done, refused by a rule, or failed."""

    action: Literal["publish", "rollback"]
    state: Literal["running", "done", "refused", "failed"]
    entries: list[str] = Field(default=[], description="Ids put in use; of a rollback, those taken back.")
    index: str | None = Field(default=None, description="The version in use afterwards; replicas open it in seconds.")
    unanswered: list[str] = Field(
        default=[], description="New questions that the emotion or topic model keeps from their entry."
    )
    detail: str = Field(default="", description="Why it was refused or failed.")


class Releases(Wire):
    """What was released."""

    last: Release | None = Field(description="The last job of these routes.")
    index: str = Field(description="The version in use.")
    published: list[list[str]] = Field(description="Entry ids of the releases that can be taken back, oldest first.")
