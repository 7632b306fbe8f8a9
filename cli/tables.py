"""Tables as text: columns of the same width, the first to the left and the numbers to the right."""

from collections.abc import Sequence


def text(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """The lines of a table, its head first. Numbers have commas between thousands, fractions one digit."""
    cells = [list(head), *([_cell(value) for value in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = (
        "  ".join(
            cell.rjust(width) if n else cell.ljust(width)
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in cells
    )
    return "\n".join(line.rstrip() for line in lines)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.1f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
