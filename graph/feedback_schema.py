"""What travels over HTTP about ratings and satisfaction."""

from datetime import UTC, datetime
from typing import Annotated, Self

from pydantic import AfterValidator, AwareDatetime, Field, model_validator

from graph.schema import Identifier, Wire


def _in_utc(moment: datetime) -> datetime:
    # By way of the number of seconds, which the report goes by: it may be rounded out of the calendar.
    try:
        return datetime.fromtimestamp(moment.timestamp(), UTC)
    except (ValueError, OverflowError):
        raise ValueError("must lie in the years 1 to 9999 in UTC; send a later or an earlier moment") from None


Since = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""A moment that the report can start at, and repeat."""


class FeedbackRequest(Wire):
    """A rating of a session, named by one of its answers or by itself."""

    request_id: Identifier | None = Field(default=None, description="An answer of the rated session.")
    session_id: Identifier | None = Field(default=None, description="The rated session.")
    satisfaction: int = Field(ge=1, le=3, description="1 very satisfied, 2 so-so, 3 unsatisfied.")
    comment: str | None = Field(
        default=None, max_length=2000, description="Kept, without personal data, only where the service keeps texts."
    )

    @model_validator(mode="after")
    def _named(self) -> Self:
        if self.request_id is None and self.session_id is None:
            raise ValueError("name what is rated by request_id, by session_id, or by both")
        return self


class FeedbackReceipt(Wire):
    """The rating is on disk; an earlier one of the same session is replaced."""

    request_id: str | None
    session_id: str | None
    satisfaction: int


class Share(Wire):
    """A share with its 95 % Wilson interval; null where nothing was counted."""

    count: int = Field(description="Of how many.")
    hits: int
    share: float | None
    low: float | None
    high: float | None


class Contrast(Wire):
    """Comfort's share less control's: 95 % Newcombe interval, and the p-value of the two-proportion z test."""

    difference: float
    low: float
    high: float
    p_value: float


class Group(Wire):
    """Rated sessions of a group: how many, how many very satisfied (label 1), in both arms."""

    group: str
    comfort: Share
    control: Share
    contrast: Contrast | None = Field(description="Null where an arm has no rated session.")


class Satisfaction(Wire):
    """The paper's experiment: coverage (its table 5) and satisfaction (its tables 6 and 7)."""

    since: AwareDatetime | None = Field(description="Older answers are left out.")
    emotional: Share = Field(description="Answers that recognised an emotion, of all answers.")
    coverage: dict[str, Share] = Field(description="Per strategy, of the arm comfort's answers with an emotion.")
    overall: Group
    feelings: list[Group] = Field(description="Sessions with a negative emotion, and with gratitude.")
    emotions: list[Group]
    strategies: list[Group] = Field(description="In the arm control: the strategy that was not carried out.")
    mixed_sessions: int = Field(description="Rated sessions answered in both arms; they are in no group.")
