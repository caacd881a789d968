"""The plot of the number of samples says what was measured."""

from guide import convergence

MEASURED = {
    "classifier": {"name": "tiny", "fingerprint": "f"},
    "default": {"lime": 500},
    "rows": [
        {"method": "lime", "title": "LIME", "samples": n, "image": image, "agreement": value}
        for n, image, value in (
            (50, "a", 0.2), (50, "b", 0.4), (500, "a", 0.9), (500, "b", None),
        )
    ],
}  # fmt: skip


def test_points_are_means_over_the_pictures_where_they_are_defined() -> None:
    chart = convergence.draw_convergence(MEASURED)
    (line,) = [trace for trace in chart.data if trace.name]
    assert line.name == "LIME"
    assert list(line.x) == [50, 500]
    assert [round(value, 6) for value in line.y] == [0.3, 0.9]
    assert len(chart.data) == 3  # a thin line per image


def test_the_sentence_names_first_last_and_default() -> None:
    said = convergence.summary(MEASURED)
    assert said == (
        "Model tiny, n = 2 images. LIME: 0.30 with 50 samples, 0.90 with 500; the default is 500."
    )
