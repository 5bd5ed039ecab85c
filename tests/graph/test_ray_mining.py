"""Questions found on Ray Data are those found in one process."""

import subprocess
import sys

import pytest

from configs.schema import PROJECT_ROOT
from graph.ray_mining import collect_on_ray
from indexes.mining.logs import LogLine
from indexes.mining.questions import collect_questions
from tests.graph.scripted import processor

pytestmark = pytest.mark.serve


def log() -> list[LogLine]:
    """Repeated, differently spelt, personal, too short, too long, answered and already matched lines."""
    lines = []
    for number in range(400):
        session = f"s{number % 37}"
        lines.append(LogLine(f"等了{number % 11}天还不发货！", session=session))
        lines.append(LogLine(f"等了{number % 11}天还不发货!!", session=session))
        lines.append(LogLine(f"我电话1390000{1000 + number}，快回电", session=session))
        if number % 3 == 0:
            lines.append(LogLine(f"亲，电话1380000{1000 + number % 5}会联系您", role="agent", session=session))
        if number % 5 == 0:
            lines += [LogLine("嗯"), LogLine("长" * 200), LogLine("已经回答过的问题", strategy="knowledge")]
    return lines


def test_the_questions_are_the_same() -> None:
    # In a process of its own: Ray takes over the signals with which a Java machine of this process works.
    command = [sys.executable, "-m", "tests.graph.test_ray_mining"]
    done = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


def main() -> None:
    """Compare; an AssertionError if they differ."""
    expected = collect_questions(log(), processor())
    assert len(expected) == 12
    assert expected[0].replies
    assert collect_on_ray(log(), processor()) == expected


if __name__ == "__main__":
    main()
