"""The plot: for each latency, orders per pod and orders per core, a bar for each contender. Plain SVG. Pure."""

from collections.abc import Callable
from html import escape

from benchmarks.comparison.catalogue import LIMIT, OURS, PEER, POST
from benchmarks.comparison.contender import Contender
from benchmarks.comparison.reporting.figures import Figures, Table

_COLOURS = {OURS: "#1a7f5a", POST: "#b4552d", PEER: "#5b6b8c", LIMIT: "#b9bec7"}
_NAMES, _BAR, _LINE, _GAP = 430, 250, 22, 54
_WIDTH = _NAMES + 2 * (_BAR + 90)
_STYLE = 'font-family="DejaVu Sans, Helvetica, Arial, sans-serif" font-size="13" fill="#222"'
_COLUMNS: tuple[tuple[str, Callable[[Figures], float]], ...] = (
    ("orders/s per pod", lambda seen: seen.per_second),
    ("orders per CPU second", lambda seen: seen.per_cpu),
)


def plot(table: Table, contenders: tuple[Contender, ...]) -> str:
    """The picture as text."""
    parts, top = [], 10
    for ms in sorted({ms for _, ms in table}):
        rows = [(one, table[one.name, ms]) for one in contenders if (one.name, ms) in table]
        parts.append(_text(0, top + 16, f"merchants that answer in {ms} ms", bold=True))
        for column, (title, figure) in enumerate(_COLUMNS):
            parts.append(_text(_left(column), top + 16, title))
            parts += _bars(rows, figure, _left(column), top + 26)
        parts += [_text(0, top + 26 + _LINE * place + 15, one.title) for place, (one, _) in enumerate(rows)]
        top += _GAP + _LINE * len(rows)
    drawn = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {top}" {_STYLE}>\n'
        f'<rect width="{_WIDTH}" height="{top}" fill="#fff"/>\n{drawn}\n</svg>\n'
    )


def _bars(rows: list[tuple[Contender, Figures]], figure: Callable[[Figures], float], left: int, top: int) -> list[str]:
    most = max(figure(seen) for _, seen in rows) or 1.0
    parts = []
    for place, (one, seen) in enumerate(rows):
        long = max(1.0, _BAR * figure(seen) / most)
        y = top + _LINE * place
        parts.append(f'<rect x="{left}" y="{y + 3}" width="{long:.1f}" height="15" fill="{_COLOURS[one.kind]}"/>')
        parts.append(_text(left + round(long) + 6, y + 15, f"{figure(seen):,.{0 if figure(seen) >= 100 else 1}f}"))
    return parts


def _left(column: int) -> int:
    return _NAMES + column * (_BAR + 90)


def _text(x: int, y: int, text: str, *, bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x}" y="{y}"{weight}>{escape(text)}</text>'
