"""Every page's frame: its configuration, the menu, the address; a page is one file in its room."""

from contextlib import suppress
from pathlib import Path

import streamlit as st
from frame import add_model, loading_ahead
from frame.display import PageEnd, show_problem, show_problems
from menu import FILES, MENU
from state import choices, hosting

st.set_page_config("CAMpare", page_icon="🍏", layout="wide")

HERE = Path(__file__).parent
st.logo(HERE / "logo.svg", size="large")
with st.container(key="history"):
    st.html(HERE / "frame" / "history.html", unsafe_allow_javascript=True)

is_visited = choices.is_open(choices.session())
if is_visited and hosting.is_hosted() and not hosting.visitor():
    show_problem(hosting.NO_NAME)
    st.stop()
first = next(iter(FILES))
pages = {
    e.name: st.Page(e.file, title=e.title, icon=e.icon, url_path=e.name, default=e.name == first)
    for entries in MENU.values()
    for e in entries
}
menu = {section: [pages[e.name] for e in entries] for section, entries in MENU.items()}
page = st.navigation(menu, position="top")
st.set_page_config(f"{page.title} · CAMpare")
choices.read_address(page.url_path or first)  # the default page's path is empty
problems = st.container()
with suppress(PageEnd), loading_ahead.giving_way():
    page.run()
add_model.show_if_asked()
with problems:
    show_problems(choices.unknown())
choices.write_address()
