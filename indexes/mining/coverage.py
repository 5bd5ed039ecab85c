"""How much of the traffic the most asked matters cover: as a table and as a picture.

It says how many entries are worth writing. The picture is SVG, made of text, so that no plotting package is needed.
"""

from __future__ import annotations

from collections.abc import Sequence

_LEVELS = (0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0)
_WIDTH, _HEIGHT, _LEFT, _TOP = 640, 360, 60, 24
_POINTS = 200


def coverage_table(frequencies: Sequence[int]) -> list[tuple[float, int]]:
    """For each level of coverage, how many of the most asked matters reach it.

    Args:
        frequencies: of the matters, descending.

    Returns:
        (share of all traffic, matters).
    """
    total, reached, rows = sum(frequencies), 0, []
    levels = list(_LEVELS)
    for number, frequency in enumerate(frequencies, start=1):
        reached += frequency
        while levels and reached >= levels[0] * total - 1e-9:
            rows.append((levels.pop(0), number))
    return rows


def coverage_picture(frequencies: Sequence[int]) -> str:
    """The share of the traffic over the number of matters, as an SVG document."""
    total, reached = max(sum(frequencies), 1), 0
    curve = [(0, 0.0)]
    for number, frequency in enumerate(frequencies, start=1):
        reached += frequency
        curve.append((number, reached / total))
    step = max(len(curve) // _POINTS, 1)
    kept = [*curve[::step], curve[-1]]
    most = max(len(frequencies), 1)
    points = " ".join(f"{_x(number / most):.1f},{_y(share):.1f}" for number, share in kept)
    marks = "".join(_mark(share) for share in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}" font-family="sans-serif" '
        f'font-size="12"><rect width="100%" height="100%" fill="white"/>{marks}'
        f'<polyline points="{points}" fill="none" stroke="#1f6fb2" stroke-width="2"/>'
        f'<text x="{_x(0):.0f}" y="{_HEIGHT - 10}">0</text>'
        f'<text x="{_x(1):.0f}" y="{_HEIGHT - 10}" text-anchor="end">{most} matters</text>'
        f'<text x="{_x(0):.0f}" y="15">share of the traffic covered</text></svg>\n'
    )


def _x(share: float) -> float:
    return _LEFT + share * (_WIDTH - _LEFT - 20)


def _y(share: float) -> float:
    return _TOP + (1.0 - share) * (_HEIGHT - _TOP - 40)


def _mark(share: float) -> str:
    y = _y(share)
    return (
        f'<line x1="{_LEFT}" x2="{_WIDTH - 20}" y1="{y:.1f}" y2="{y:.1f}" stroke="#dddddd"/>'
        f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{share:.0%}</text>'
    )
