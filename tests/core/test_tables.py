"""Tables for people who read them as text, and for pages that read them as Markdown."""

from fia_core.reports.tables import markdown_table


def test_columns_are_aligned_in_both() -> None:
    lines = markdown_table(("concept", "pruned"), [("church", "1,200"), ("cat", "3")]).splitlines()
    assert lines == [
        "| concept | pruned |",
        "| :------ | -----: |",
        "| church  |  1,200 |",
        "| cat     |      3 |",
    ]


def test_no_name_breaks_a_row_or_a_rule() -> None:
    lines = markdown_table(("a", "b"), [("x\ny", "1"), ("c\\|d", "2")]).splitlines()
    assert lines == [
        "| a      |   b |",
        "| :----- | --: |",
        "| x y    |   1 |",
        r"| c\\\|d |   2 |",
    ]
