"""Report: a run as tables, figures, slides, a page and the words around them, in one folder."""
