"""Rasa's REST channel, so that a front end made for a Rasa bot can talk to the service unchanged.

Installed by `graph.gateway`. No comfort is needed: no message comes back, and the shop's ordinary bot goes on.
"""

from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field

from graph.problems import ERRORS
from graph.schema import Comfort, ComfortRequest, Identifier


class RasaMessage(BaseModel):
    """A customer's sentence; fields of other channels are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    sender: Identifier = Field(default="default", description="The conversation; replies do not repeat inside it.")
    message: str = Field(min_length=1, description="The customer's sentence.", examples=["拍了一周还不发货，急死了"])
    metadata: dict[str, Any] | None = Field(default=None, description="Not read.")


class RasaReply(BaseModel):
    """A text to show to the customer."""

    recipient_id: str
    text: str


def install(app: FastAPI, comfort: Comfort) -> None:
    """Add the channel to `app`; `comfort` answers a sentence."""

    @app.post("/webhooks/rest/webhook", responses=ERRORS, tags=["Rasa"])
    async def rasa_webhook(message: RasaMessage) -> list[RasaReply]:
        """One reply, or none if no emotion asks for comfort."""
        answer = await comfort(ComfortRequest(text=message.message, session_id=message.sender), None)
        return [RasaReply(recipient_id=message.sender, text=answer.reply)] if answer.reply else []

    @app.get("/webhooks/rest/", tags=["Rasa"])
    async def rasa_health() -> dict[str, str]:
        """The channel is there."""
        return {"status": "ok"}
