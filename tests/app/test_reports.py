"""Orders of reports: the command line's words, and one folder for equal orders."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from runs.reports import ReportOrder


def test_an_order_is_the_command_that_people_type(tmp_path: Path) -> None:
    order = ReportOrder((tmp_path / "a", tmp_path / "b"), ("cam",), (), ("1",), ("column",))
    words = order.command(tmp_path / "out")[2:]
    assert words == [
        "xai_core", "report", "--run", str(tmp_path / "a"), "--run", str(tmp_path / "b"),
        "--methods", "cam", "--images", "1", "--widths", "column", "--out", str(tmp_path / "out"),
    ]  # fmt: skip
    clear = replace(order, transparent=True)
    assert clear.command(tmp_path / "out") == [
        *order.command(tmp_path / "out")[:-2], "--transparent", "--out", str(tmp_path / "out"),
    ]  # fmt: skip
    assert clear.folder([1.0, 2.0]) != order.folder([1.0, 2.0])
    assert order.folder([1.0, 2.0]) == order.folder([1.0, 2.0])
    assert order.folder([1.0, 2.0]) != order.folder([1.0, 3.0])  # the run has grown
