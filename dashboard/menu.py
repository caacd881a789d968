"""The menu: section -> pages; a page is a file in its room, with a name in the address."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """One page: its name in the address, its file, its title and its icon."""

    name: str
    file: str
    title: str
    icon: str


MENU = {
    "Look at images": (
        Entry("compare", "compare/page.py", "Compare", ":material/compare:"),
        Entry("cam_vs_secam", "cam_vs_secam/page.py", "CAM or SeCAM", ":material/grid_view:"),
        Entry("mistakes", "mistakes/page.py", "Mistakes", ":material/rule:"),
        Entry("features", "features/page.py", "Features", ":material/blur_on:"),
    ),
    "Decide between methods": (
        Entry("leaderboard", "results/leaderboard.py", "Leaderboard", ":material/leaderboard:"),
        Entry("curves", "results/curves.py", "Curves", ":material/show_chart:"),
        Entry("agreement", "results/agreement.py", "Agreement", ":material/join_inner:"),
        Entry("ground_truth", "ground_truth/page.py", "Ground truth", ":material/fact_check:"),
        Entry("sanity", "results/sanity.py", "Sanity checks", ":material/health_and_safety:"),
        Entry("report", "report/page.py", "Report", ":material/description:"),
    ),
    "Evaluate and learn": (
        Entry("run", "evaluate/page.py", "Evaluate", ":material/play_circle:"),
        Entry("guide", "guide/page.py", "Guide", ":material/menu_book:"),
    ),
}
FILES = {entry.name: entry.file for entries in MENU.values() for entry in entries}
