"""The paper's tables as Markdown and LaTeX (booktabs); whatever stands in a name is escaped."""

import re
from itertools import groupby

from evaluation.paper.published import SOURCE
from evaluation.paper.tables import PaperCell, PaperTable

_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "[": "{[}",  # after a line's end it would be an option of that
    "]": "{]}",
    "*": "{*}",
    **{letter: f"\\{letter}" for letter in "&%$#_{}"},
}
PACKAGES = r"\usepackage{booktabs,graphicx,xcolor}"


def escape_markdown(text: str) -> str:
    """Text that means itself in a cell of a Markdown table."""
    return re.sub(r"([\\`*_{}\[\]<>|#~&$])", r"\\\1", " ".join(text.split()))


def escape_latex(text: str) -> str:
    """Text that means itself in LaTeX."""
    return "".join(_LATEX.get(letter, letter) for letter in " ".join(text.split()))


def spell_cell(cell: PaperCell, digits: int) -> tuple[str, str, str]:
    """Number, interval and the paper's number as text, each empty where there is none."""
    number = "" if cell.mean is None else f"{cell.mean:.{digits}f}"
    interval = ""
    if cell.ci_low is not None and cell.ci_high is not None:
        interval = f"{cell.ci_low:.{digits}f}, {cell.ci_high:.{digits}f}"
    return number, interval, "" if cell.published is None else f"{cell.published:.{digits}f}"


def markdown(table: PaperTable) -> str:
    """The table as Markdown, with the reasons of what is missing below it."""
    heads = [*table.heads, *(f"{group} {name}".strip() for group, name in table.columns)]
    rule = ["---"] * len(table.heads) + ["---:"] * len(table.columns)
    lines = [[escape_markdown(head) for head in heads], rule]
    for labels, cells in zip(table.labels, table.lines, strict=True):
        numbers = [_markdown_cell(cell, table) for cell in cells]
        lines.append([*(escape_markdown(label) for label in labels), *numbers])
    text = [f"# {escape_markdown(table.title)}", ""]
    text += [f"{escape_markdown(table.caption)} {_legend(table)}".strip(), ""]
    text += ["| " + " | ".join(line) + " |" for line in lines]
    if table.reasons:
        reasons = enumerate(table.reasons, start=1)
        text += ["", "Missing:", "", *(f"{at}. {escape_markdown(why)}" for at, why in reasons)]
    return "\n".join(text) + "\n"


def _legend(table: PaperTable) -> str:
    return f"In italics: {SOURCE}." if any(c.published is not None for c in table.cells) else ""


def _markdown_cell(cell: PaperCell, table: PaperTable) -> str:
    number, interval, published = spell_cell(cell, table.digits)
    parts = [number or f"– ({table.reasons.index(cell.missing) + 1})"]
    parts += [f"\\[{interval}\\]"] if interval else []
    return " ".join([*parts, *([f"*{published}*"] if published else [])])


def latex(table: PaperTable) -> str:
    """The table as a LaTeX float, the paper's numbers in grey below ours."""
    n_labels, n_columns = len(table.heads), len(table.columns)
    body = [
        f"% {PACKAGES}",
        r"\begin{table*}[t]",
        r"\centering",
        rf"\caption{{{escape_latex(table.caption)}}}",
        rf"\label{{tab:{re.sub('[^a-z0-9]+', '-', table.name.lower())}}}",
        r"\resizebox{\ifdim\width>\textwidth\textwidth\else\width\fi}{!}{%",
        rf"\begin{{tabular}}{{{'l' * n_labels}{'r' * n_columns}}}",
        r"\toprule",
        *_latex_heads(table),
        r"\midrule",
    ]
    for labels, cells in zip(table.labels, table.lines, strict=True):
        line = [escape_latex(label) for label in labels]
        line += [_latex_cell(cell, table) for cell in cells]
        body.append(" & ".join(line) + r" \\")
    body += [r"\bottomrule", r"\end{tabular}}"]
    if table.reasons:
        reasons = enumerate(table.reasons, start=1)
        listed = "; ".join(f"({at}) {escape_latex(why)}" for at, why in reasons)
        body.append(rf"\par\smallskip{{\footnotesize {listed}}}")
    return "\n".join([*body, r"\end{table*}"]) + "\n"


def _latex_heads(table: PaperTable) -> list[str]:
    empty = " & ".join([""] * len(table.heads))
    at, groups, rules = len(table.heads) + 1, [], []
    for name, columns in groupby(table.columns, key=lambda column: column[0]):
        width = len(list(columns))
        groups.append(rf"\multicolumn{{{width}}}{{c}}{{{escape_latex(name)}}}")
        rules.append(rf"\cmidrule(lr){{{at}-{at + width - 1}}}")
        at += width
    names = [*table.heads, *(name for _, name in table.columns)]
    first = " & ".join([empty, *groups]) + r" \\"
    return [first, "".join(rules), " & ".join(escape_latex(name) for name in names) + r" \\"]


def _latex_cell(cell: PaperCell, table: PaperTable) -> str:
    number, interval, published = spell_cell(cell, table.digits)
    parts = [number or f"--$^{{{table.reasons.index(cell.missing) + 1}}}$"]
    parts += [rf"{{\scriptsize {{[}}{interval}{{]}}}}"] if interval else []
    parts += [rf"{{\scriptsize\color{{gray}} {published}}}"] if published else []
    stacked = r"\\".join(parts)
    return stacked if len(parts) == 1 else rf"\shortstack[r]{{{stacked}}}"
