"""LitServe with its own batching around the graph in one process; started with the port as its argument."""

import sys
from typing import Any

import litserve

from graph.schema import ComfortAnswer, ComfortRequest
from load_tests.bench.servers.batched import BatchedGraph
from load_tests.bench.servers.settings import shared_config


class Comfort(litserve.LitAPI):
    """The graph as LitServe wants it: LitServe collects requests, `predict` gets them as a list."""

    def setup(self, device: str) -> None:
        """Load everything; called once in the worker."""
        self._graph = BatchedGraph(shared_config())

    def decode_request(self, request: dict[str, Any]) -> ComfortRequest:
        """Validate."""
        return ComfortRequest.model_validate(request)

    def batch(self, inputs: list[ComfortRequest]) -> list[ComfortRequest]:
        """Requests stay a list."""
        return inputs

    def predict(self, x: list[ComfortRequest]) -> list[ComfortAnswer]:
        """Answer them."""
        return self._graph.answer(x)

    def unbatch(self, output: list[ComfortAnswer]) -> list[ComfortAnswer]:
        """Answers stay a list."""
        return output

    def encode_response(self, output: ComfortAnswer) -> dict[str, Any]:
        """As JSON."""
        return output.model_dump(mode="json")


if __name__ == "__main__":
    api = Comfort(max_batch_size=32, batch_timeout=0.005, api_path="/v1/comfort")
    server = litserve.LitServer(api, accelerator="cpu", timeout=60, healthcheck_path="/readyz")
    server.run(host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False, log_level="warning")
