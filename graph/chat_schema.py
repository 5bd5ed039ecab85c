"""What travels over POST /v1/chat/completions and GET /v1/models: OpenAI's form, as far as it means something here.

Unlike `graph.schema` these messages ignore fields they do not know: chat clients send many (temperature, tools, ...)
that say nothing to a service which generates nothing.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from graph.schema import ComfortAnswer, Identifier

MODEL = "anwei"


class Lenient(BaseModel):
    """A frozen message that ignores what it does not know."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class ChatPart(Lenient):
    """A part of a message's content; only `text` parts are read."""

    type: str
    text: str | None = None


class ChatMessage(Lenient):
    """One turn of the conversation."""

    role: str
    content: str | list[ChatPart] | None = None

    def text(self) -> str:
        """The content as one string."""
        if isinstance(self.content, str):
            return self.content
        return "\n".join(part.text for part in self.content or () if part.type == "text" and part.text)


class StreamOptions(Lenient):
    """How to stream."""

    include_usage: bool | None = None


class ChatMetadata(Lenient):
    """What a client may say about a conversation."""

    session_id: Identifier | None = Field(default=None, description="Replies do not repeat inside a session.")


class ChatRequest(Lenient):
    """A conversation; the last message of role `user` is the customer's sentence."""

    model: str = Field(default=MODEL, description="Any name is taken; there is one model.")
    messages: list[ChatMessage] = Field(
        min_length=1, examples=[[{"role": "user", "content": "拍了一周还不发货，急死了"}]]
    )
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: Literal[1] | None = Field(default=None, description="There is one answer.")
    user: Annotated[str, StringConstraints(max_length=128)] | None = Field(
        default=None, description="The conversation, unless metadata.session_id names it."
    )
    metadata: ChatMetadata | None = None

    def sentence(self) -> str | None:
        """What the customer said last; None without a message of role `user`."""
        said = [message for message in self.messages if message.role == "user"]
        return said[-1].text() if said else None

    def session_id(self) -> str | None:
        """Replies do not repeat inside it; None if the client names none."""
        return (self.metadata.session_id if self.metadata else None) or self.user or None


class Usage(Lenient):
    """Counted in characters: nothing is tokenised or generated here."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class Said(Lenient):
    """The answering message."""

    role: Literal["assistant"] = "assistant"
    content: str


class Choice(Lenient):
    """The one answer."""

    index: Literal[0] = 0
    message: Said
    finish_reason: Literal["stop"] = "stop"


class ChatCompletion(Lenient):
    """An answer in OpenAI's form, with this service's own beside it."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int = Field(description="Seconds since the epoch.")
    model: str = MODEL
    choices: list[Choice]
    usage: Usage
    anwei: ComfortAnswer


class Model(Lenient):
    """The one model there is."""

    id: str = MODEL
    object: Literal["model"] = "model"
    created: int = 0
    owned_by: str = MODEL


class ModelList(Lenient):
    """All models there are."""

    object: Literal["list"] = "list"
    data: list[Model]


class ChatFault(Lenient):
    """What is wrong, as OpenAI's clients expect it."""

    message: str
    type: Literal["invalid_request_error", "server_error"]
    param: str | None = None
    code: str | None = None


class ChatError(Lenient):
    """An error of the OpenAI-compatible routes."""

    error: ChatFault
