"""Every page's frame: its configuration, the menu, the address; a page is one file in its room."""

from contextlib import suppress
from pathlib import Path

import streamlit as st
from frame import warming
from frame.display import PageEnd, show_problem
from menu import MENU
from state import choices

st.set_page_config("CAMpare", page_icon="🍏", layout="wide")

HERE = Path(__file__).parent
st.logo(HERE / "logo.svg", size="large")
with st.container(key="history"):
    st.html(HERE / "frame" / "history.html", unsafe_allow_javascript=True)

first = warming.first_page(is_visited=choices.is_open(choices.session()))
menu = {
    section: [
        st.Page(e.file, title=e.title, icon=e.icon, url_path=e.name, default=e.name == first)
        for e in entries
    ]
    for section, entries in MENU.items()
}
page = st.navigation(menu, position="top")
for unknown in choices.read_address(page.url_path):
    show_problem(unknown)
with suppress(PageEnd):
    page.run()
choices.write_address()
