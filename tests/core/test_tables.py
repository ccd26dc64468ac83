"""Tables for people who read them as text, and for pages that read them as Markdown."""

from fia_core.tables import markdown_table


def test_columns_are_aligned_in_both() -> None:
    table = markdown_table(("concept", "pruned"), [("church", "1,200"), ("a|b", "3")])
    assert table == (
        "| concept | pruned |\n| :------ | -----: |\n| church  |  1,200 |\n| a\\|b    |      3 |"
    )
