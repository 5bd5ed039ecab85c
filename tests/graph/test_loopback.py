"""Ray is told to stay on loopback before it is imported, or the start is refused."""

import subprocess
import sys

import pytest

from configs.schema import PROJECT_ROOT

NODE_ADDRESS = """
from graph.loopback import keep_ray_on_loopback
keep_ray_on_loopback()
from ray._private.services import resolve_ip_for_localhost
print(resolve_ip_for_localhost("127.0.0.1"))
"""
TOO_LATE = """
import ray
from graph.errors import LaunchError
from graph.loopback import keep_ray_on_loopback
try:
    keep_ray_on_loopback()
except LaunchError as error:
    print(error)
"""


@pytest.mark.parametrize(("program", "said"), [(NODE_ADDRESS, "127.0.0.1"), (TOO_LATE, "imported already")])
def test_the_switch_works_only_before_ray_is_imported(program: str, said: str) -> None:
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=True, env={"PATH": ""})
    assert said in done.stdout
