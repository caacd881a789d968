"""Every page's frame: its configuration, the menu, the address; a page is one file in views/."""

from contextlib import suppress
from pathlib import Path

import choices
import streamlit as st
import warming
from display import PageEnd, show_problem
from menu import PAGES

st.set_page_config("CAMpare", page_icon="🍏", layout="wide")

HERE = Path(__file__).parent
VIEWS = HERE / "views"
st.logo(HERE / "logo.svg", size="large")
with st.container(key="history"):
    st.html(HERE / "history.html", unsafe_allow_javascript=True)

first = warming.first_page(is_visited=choices.is_open(choices.session()))
menu = {
    section: [
        st.Page(f"views/{name}.py", title=title, icon=icon, url_path=name, default=name == first)
        for name, title, icon in pages
        if (VIEWS / f"{name}.py").is_file()
    ]
    for section, pages in PAGES.items()
}
page = st.navigation(menu, position="top")
for unknown in choices.read_address(page.url_path):
    show_problem(unknown)
with suppress(PageEnd):
    page.run()
choices.write_address()
