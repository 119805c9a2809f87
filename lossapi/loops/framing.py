"""The function around the lines of a loop: its arguments, its sizes, and what it says in the end."""

from collections.abc import Sequence

from lossapi.loops.writer import NO_ROOM, OUTSIDE, Writer

TAKES = "void *const *arrays, const double *numbers, const int64_t *sizes, double *totals"


def included(*functions: str) -> str:
    """The text of a library: functions, of which the last is called."""
    return "\n".join(['#include "mathematics.h"', *functions])


def framed(
    writer: Writer, block: str, ahead: Sequence[str], rows: Sequence[str], totals: Sequence[str], exponent: int | None
) -> str:
    """A whole function: lines `ahead` of all, those that go over the `rows`, and what each total comes to."""
    frame = writer.frame
    outer, inner, behind = (writer.entries(sizes) for sizes in (frame.outer, frame.inner, frame.behind))
    lines = [
        f"const int64_t rows = {outer}, n = {inner}, stride = {behind};",
        "int status = 0;",
        "int32_t bad = 0;",
        *ahead,
        *writer.before,
        *(f"if (!{buffer}) status |= {NO_ROOM};" for buffer in writer.kept.values()),
        *writer.once.lines,
        *rows,
        *(f"free({buffer});" for buffer in writer.kept.values()),
        *(f"totals[{i}] = {total};" for i, total in enumerate(totals)),
        f"return status | (bad ? {OUTSIDE} : 0);",
    ]
    return f"#define {block}\n\n{_function(writer.name, lines, exponent)}\n"


def _function(name: str, lines: Sequence[str], exponent: int | None) -> str:
    """The function, written for one exponent apart where a number is one: that of a square, which most are."""
    own, body = ("int", "body") if name == "kernel" else ("static int", f"{name}_body")
    whole = [*(f"    {line}" for line in lines), "}"]
    if exponent is None:
        return "\n".join([f"{own} {name}({TAKES}) {{", *whole])
    given = "arrays, numbers, sizes, totals"
    calls = [
        f"if (numbers[{exponent}] == 2.0) return {body}({given}, 2.0);",
        f"return {body}({given}, numbers[{exponent}]);",
    ]
    inner = [f"INLINE int {body}({TAKES}, const double exponent) {{", *whole]
    return "\n".join([*inner, "", f"{own} {name}({TAKES}) {{", *(f"    {line}" for line in calls), "}"])
