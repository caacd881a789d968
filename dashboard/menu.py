"""The menu: section -> pages as (file in views/, title, icon)."""

PAGES = {
    "Images": (
        ("compare", "Compare methods", ":material/compare:"),
        ("cam_vs_secam", "CAM or SeCAM", ":material/grid_view:"),
        ("mistakes", "Mistakes", ":material/rule:"),
        ("features", "Features", ":material/blur_on:"),
    ),
    "Results": (
        ("leaderboard", "Leaderboard", ":material/leaderboard:"),
        ("curves", "Curves", ":material/show_chart:"),
        ("agreement", "Agreement", ":material/join_inner:"),
        ("ground_truth", "Ground truth", ":material/fact_check:"),
        ("sanity", "Sanity checks", ":material/health_and_safety:"),
    ),
    "Work": (
        ("run", "Evaluate", ":material/play_circle:"),
        ("report", "Report", ":material/description:"),
        ("guide", "Guide", ":material/menu_book:"),
    ),
}
