"""Building the application: which deployments there are, and the fused placement answering like the local graph."""

import subprocess
import sys
from typing import Any

import httpx
import pytest
from ray.serve import Application

from configs.schema import PROJECT_ROOT, AppConfig
from graph.app import Ingress, build
from graph.local import answer_all, local_composer
from graph.schema import ComfortRequest
from graph.serve_file import DEPLOYMENTS

TEXTS = ("卖家一直不发货，我急死了，等着送人呢", "这件有蓝色的吗", "你们太欺负人了，凭什么让我出运费")


@pytest.mark.parametrize("placement", ["split", "fused"])
def test_the_deployments_are_those_a_serve_file_may_name(placement: str) -> None:
    app = build(AppConfig.model_validate({"placement": placement}))
    assert isinstance(app, Application)
    assert sorted(names(app)) == sorted(DEPLOYMENTS[placement])


def names(app: Application) -> set[str]:
    """The application's deployments, found by following what is bound to what."""
    deployment: Any = app._bound_deployment
    found: set[str] = {deployment.name}
    arguments: list[Any] = [*deployment.init_args, *deployment.init_kwargs.values()]
    for argument in arguments:
        for value in argument.values() if isinstance(argument, dict) else ():
            if isinstance(value, Application):
                found |= names(value)
    return found


@pytest.mark.anyio
async def test_fused_answers_like_the_local_graph(small_config: AppConfig) -> None:
    config = small_config.model_copy(update={"placement": "fused"})
    app = Ingress(config.model_dump(mode="json"), None).__serve_build_asgi_app__()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://fused") as http:
        said = [(await http.post("/v1/comfort", json={"text": text})).json() for text in TEXTS]
        assert (await http.get("/readyz")).json()["status"] == "ready"
    requests = [ComfortRequest(text=text) for text in TEXTS]
    local = [answer async for answer in answer_all(local_composer(config), requests)]
    for one, other in zip(said, local, strict=True):
        assert (one["strategy"], one["emotion"]["label"]) == (other.strategy, other.emotion.label)
        assert one["emotion"]["probability"] == pytest.approx(other.emotion.probability, abs=1e-5)


def test_a_composer_loads_neither_torch_nor_a_database() -> None:
    code = "import sys, graph.app; print(sorted({'torch', 'jnius', 'sqlalchemy'} & sys.modules.keys()))"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"
