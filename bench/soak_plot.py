"""Curves over time as a small SVG; no library, so that the benches need none."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

_WIDTH, _HEIGHT = 860, 260  # of a panel
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 130, 36, 34
_COLOURS = ("#1f6fb2", "#c4622d", "#3a8a4d")


@dataclass(frozen=True, slots=True)
class Curve:
    """A named line; one value for each moment."""

    name: str
    values: list[float]


@dataclass(frozen=True, slots=True)
class Panel:
    """Curves over the same minutes, on an axis that starts at 0."""

    title: str
    minutes: list[float]
    curves: list[Curve]


def draw(panels: list[Panel]) -> str:
    """Draw panels below each other."""
    height = _HEIGHT * len(panels)
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
            'font-family="sans-serif" font-size="12">'
        ),
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
    ]
    for number, panel in enumerate(panels):
        parts.append(f'<g transform="translate(0 {number * _HEIGHT})">')
        parts += _draw_panel(panel)
        parts.append("</g>")
    return "\n".join([*parts, "</svg>", ""])


def _draw_panel(panel: Panel) -> Iterator[str]:
    last = max(panel.minutes)
    highest = max(max(curve.values) for curve in panel.curves)
    step = _step(highest)
    top = math.ceil(highest / step) * step

    def x(minute: float) -> float:
        return _LEFT + minute / last * (_WIDTH - _LEFT - _RIGHT)

    def y(value: float) -> float:
        return _HEIGHT - _BOTTOM - value / top * (_HEIGHT - _TOP - _BOTTOM)

    yield f'<text x="{_LEFT}" y="20" font-weight="bold">{escape(panel.title)}</text>'
    for level in range(round(top / step) + 1):
        value = level * step
        yield (
            f'<line x1="{_LEFT}" x2="{x(last):.1f}" y1="{y(value):.1f}" y2="{y(value):.1f}" '
            'stroke="#dddddd"/>'
        )
        yield (f'<text x="{_LEFT - 8}" y="{y(value) + 4:.1f}" text-anchor="end">{value:g}</text>')
    every = _step(last)
    for mark in range(int(last / every) + 1):
        yield (
            f'<text x="{x(mark * every):.1f}" y="{_HEIGHT - 14}" text-anchor="middle">'
            f"{mark * every:g} min</text>"
        )
    for number, curve in enumerate(panel.curves):
        colour = _COLOURS[number % len(_COLOURS)]
        points = " ".join(
            f"{x(minute):.1f},{y(value):.1f}"
            for minute, value in zip(panel.minutes, curve.values, strict=True)
        )
        yield f'<polyline fill="none" stroke="{colour}" stroke-width="1.5" points="{points}"/>'
        yield (
            f'<text x="{x(last) + 8:.1f}" y="{y(curve.values[-1]) + 4:.1f}" fill="{colour}">'
            f"{escape(curve.name)}</text>"
        )


def _step(highest: float) -> float:
    """A round distance between the marks of an axis, for about five of them."""
    rough = max(highest, 1e-9) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
