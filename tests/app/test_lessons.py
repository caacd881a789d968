"""Docstrings as they are set on the guide page."""

import pytest
from frame.lessons import typeset


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("M_c = w_k^c f_k(x)", "M<sub>c</sub> = w<sub>k</sub><sup>c</sup> f<sub>k</sub>(x)"),
        ("sum_{(x,y) in s} v_(k)", "sum<sub>(x,y) in s</sub> v<sub>(k)</sub>"),
        ("the `bias_share` <b>", "the <code>bias_share</code> &lt;b&gt;"),
        ("sigma^2 < 4", "sigma<sup>2</sup> &lt; 4"),
    ],
)
def test_indices_stand_below_and_above(text: str, html: str) -> None:
    assert typeset(text) == html
