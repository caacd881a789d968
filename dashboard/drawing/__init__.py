"""Drawing: numbers to charts and to figures for print; no Streamlit here."""
