"""Markdown and LaTeX that stay whole whatever the names say."""

import re

from evaluation.paper.tables import eer_table, paper_tables
from evaluation.paper.typesetting import escape_latex, escape_markdown, latex, markdown

EVIL = r"a_b & 50% {x} \cmd [z] | <b> $1 #2 ^3 ~4 *5"


def unescaped(text: str) -> str:
    """Escapes and comments taken away, so that what is left is markup."""
    return re.sub(r"(?<!\\)\\[&%$#_{}]", "", re.sub(r"(?m)^%.*\n", "", text))


def test_escapes() -> None:
    assert escape_latex("a_b & 5%") == r"a\_b \& 5\%"
    assert escape_latex("\\x[1]") == r"\textbackslash{}x{[}1{]}"
    assert escape_markdown("a|b*c\nd<e>") == r"a\|b\*c d\<e\>"


def test_latex_is_balanced_and_has_as_many_cells_in_every_line(make_run, papers_numbers) -> None:
    numbers = papers_numbers | {("robust", EVIL, "cnn1", "eer", "thin_resnet"): 5.0}
    table = eer_table([make_run(numbers)], "thin_resnet")
    text = unescaped(latex(table))
    assert text.count("{") == text.count("}") and "%" not in text.replace("{%\n", "")
    assert re.findall(r"\\begin\{(\w+\*?)\}", text) == ["table*", "tabular"]
    assert re.findall(r"\\end\{(\w+\*?)\}", text) == ["tabular", "table*"]
    body = text.split(r"\midrule")[1].split(r"\bottomrule")[0].strip().splitlines()
    assert len(body) == 10 and all(line.count("&") == 3 + 6 - 1 for line in body)
    assert all(line.endswith(r"\\") for line in body)
    assert r"\multicolumn{6}{c}{vgg\_lstm}" in latex(table)
    assert r"\cmidrule(lr){4-9}" in text and r"\begin{tabular}{lllrrrrrr}" in text
    assert (
        r"\shortstack[r]{4.38\\{\scriptsize {[}3.88, 4.88{]}}\\{\scriptsize\color{gray} 4.38}}"
        in text
    )
    assert "--$^{1}$" in text and "(1) not scored here" in text


def test_markdown_has_as_many_cells_in_every_line(make_run, papers_numbers) -> None:
    numbers = papers_numbers | {("robust", EVIL, "cnn1", "eer", "thin_resnet"): 5.0}
    for table in paper_tables([make_run(numbers)]):
        text = markdown(table)
        lines = [line for line in text.splitlines() if line.startswith("|")]
        bars = {len(re.findall(r"(?<!\\)\|", line)) for line in lines}
        assert bars == {len(table.heads) + len(table.columns) + 1}
        assert len(lines) == 2 + len(table.lines)
    assert "| (a) | clean | robust | 4.38 \\[3.88, 4.88\\] *4.38* |" in markdown(
        eer_table([make_run(numbers)], "thin_resnet")
    )
    assert "1. " in text and "mel\\_l1 was not scored" in text
