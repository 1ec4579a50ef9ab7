import io
import itertools

import numpy as np
import pytest
from PIL import Image

from handgrad import viz


def records(iterations=6, per_epoch=3):
    shared = {"num_iterations": iterations, "num_epochs": iterations // per_epoch}
    yield {"event": "start", "iteration": 0, **shared}
    for t in range(1, iterations + 1):
        yield {"event": "iteration", "iteration": t, "loss": 3.0 / t, **shared}
        if t == 1 or t % per_epoch == 0:
            yield {"event": "accuracy", "iteration": t, "train_acc": t / 10, "val_acc": t / 12, **shared}


class Trained:
    """What `curves` reads of a Solver."""

    iterations_per_epoch = 3
    num_iterations = 6
    loss_history = tuple(3.0 / t for t in range(1, 7))
    train_acc_history = (0.1, 0.3, 0.6)
    val_acc_history = (1 / 12, 3 / 12, 6 / 12)


def lines(figure):
    return {line.get_label(): line.get_xydata().tolist() for axes in figure.get_axes() for line in axes.lines}


@pytest.mark.parametrize(
    "history", [list(records()), records(), Trained()], ids=["list", "iterator", "solver"]
)
def test_curves_show_every_loss_and_accuracy_over_epochs(history):
    found = lines(viz.curves(history))
    np.testing.assert_allclose(found["each batch"], [[t / 3, 3 / t] for t in range(1, 7)])
    np.testing.assert_allclose(found["training"], [[1 / 3, 0.1], [1, 0.3], [2, 0.6]])
    np.testing.assert_allclose(found["validation"], [[1 / 3, 1 / 12], [1, 3 / 12], [2, 6 / 12]])
    np.testing.assert_allclose(found["best: 50.0%"], [[2, 0.5]])


def test_the_first_of_equal_accuracies_is_the_best():
    class Flat(Trained):
        val_acc_history = (0.5, 0.5, 0.5)

    assert lines(viz.curves(Flat()))["best: 50.0%"] == [[1 / 3, 0.5]]


def test_smoothing_keeps_a_constant_and_does_not_shift_a_ramp():
    from handgrad.viz.curves import _smooth

    np.testing.assert_allclose(_smooth(np.full(500, 2.0)), 2.0)
    ramp = np.arange(1000.0)
    np.testing.assert_allclose(_smooth(ramp)[10:-10], ramp[10:-10])
    assert _smooth(np.array([1.0, 5.0])).tolist() == [1.0, 5.0]


def test_an_interrupted_run_without_a_check_can_be_drawn():
    history = [record for record in records() if record["event"] != "accuracy"]
    assert lines(viz.curves(history))["validation"] == []


def test_an_empty_history_is_refused():
    with pytest.raises(ValueError, match="history must hold at least one iteration, got none"):
        viz.curves([])


def test_stacked_curves_are_narrow():
    assert viz.curves(Trained(), stacked=True).get_figwidth() < viz.curves(Trained()).get_figwidth() / 1.5


def test_confusions_are_counted_with_a_row_for_each_right_class():
    counts = viz.count_confusions(np.array([0, 0, 0, 2]), np.array([0, 1, 1, 2]), 3)
    assert counts.tolist() == [[1, 2, 0], [0, 0, 0], [0, 0, 1]]


def test_the_matrix_shows_counts_and_shades_shares_of_the_row():
    axes = viz.confusion_matrix(np.array([0, 0, 0, 1]), np.array([0, 1, 1, 1]), ["cat", "dog"]).get_axes()[0]
    np.testing.assert_allclose(axes.images[0].get_array(), [[1 / 3, 2 / 3], [0, 1]])
    assert {text.get_position(): text.get_text() for text in axes.texts} == {
        (0, 0): "1",
        (1, 0): "2",
        (1, 1): "1",
    }
    assert [label.get_text() for label in axes.get_yticklabels()] == ["cat", "dog"]


def test_classes_without_names_are_numbered():
    axes = viz.confusion_matrix(np.array([0, 1]), np.array([0, 2])).get_axes()[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("y", "predicted", "message"),
    [
        ([0, 1], [0], r"must have the same shape \(N,\)"),
        ([0, 2], [0, 1], "y must lie from 0 to below 2, got 0 to 2"),
        ([0, 1], [0, -1], "predicted must lie from 0 to below 2, got -1 to 0"),
    ],
)
def test_classes_that_cannot_be_counted_are_refused(y, predicted, message):
    with pytest.raises(ValueError, match=message):
        viz.count_confusions(np.array(y), np.array(predicted), 2)


def test_a_figure_is_saved_and_given_as_bytes(tmp_path):
    figure = viz.curves(Trained())
    viz.save(figure, tmp_path / "curves.png")
    assert [path.name for path in tmp_path.iterdir()] == ["curves.png"]
    assert Image.open(tmp_path / "curves.png").convert("RGBA").getpixel((0, 0)) == (255, 255, 255, 255)
    assert Image.open(io.BytesIO(viz.png(figure, transparent=True))).getpixel((0, 0))[3] == 0


def test_a_format_that_is_unknown_leaves_nothing_behind(tmp_path):
    with pytest.raises(ValueError, match="not supported"):
        viz.save(viz.curves(Trained()), tmp_path / "curves.nonsense")
    assert list(tmp_path.iterdir()) == []


def several(count):
    return {f"run {i}": list(records()) for i in range(count)}


def test_several_runs_are_drawn_in_colours_of_their_own():
    figure = viz.compare_curves({"a": Trained(), "b": list(records())})
    loss, accuracy = figure.get_axes()
    for name in "ab":
        found = next(line for line in accuracy.lines if line.get_label() == f"{name}: best 50.0%")
        np.testing.assert_allclose(found.get_xydata(), [[1 / 3, 1 / 12], [1, 3 / 12], [2, 6 / 12]])
    assert [len(axes.lines) for axes in (loss, accuracy)] == [2, 4]  # a ring each
    np.testing.assert_allclose(loss.lines[0].get_xydata(), [[t / 3, 3 / t] for t in range(1, 7)])
    assert loss.lines[0].get_color() == accuracy.lines[0].get_color() != accuracy.lines[2].get_color()
    assert [text.get_text() for text in figure.legends[0].texts] == ["a: best 50.0%", "b: best 50.0%"]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_twenty_runs_can_be_told_apart(theme):
    loss = viz.compare_curves(several(20), theme=theme).get_axes()[0]
    assert len({(line.get_color(), line.get_linestyle()) for line in loss.lines}) == 20


def test_the_legend_lies_below_the_curves_however_long_a_name_is():
    figure = viz.compare_curves({"x" * 100: Trained(), **several(6)}, stacked=True)
    figure.draw_without_rendering()
    legend = figure.legends[0].get_window_extent()
    assert legend.x1 < figure.bbox.x1
    assert all(axes.get_tightbbox().y0 >= legend.y1 for axes in figure.get_axes())


def test_runs_without_a_check_and_without_an_iteration():
    history = [record for record in records() if record["event"] != "accuracy"]
    figure = viz.compare_curves({"a": history})
    assert figure.legends[0].texts[0].get_text() == "a"
    with pytest.raises(ValueError, match="b must hold at least one iteration, got none"):
        viz.compare_curves({"a": history, "b": []})
    with pytest.raises(ValueError, match="histories must hold at least one run, got none"):
        viz.compare_curves({})


@pytest.mark.parametrize(
    ("count", "name"),
    [(2, "a class with a very long name"), (100, "a fine class {}"), (10, "cat{}"), (1, "x")],
)
def test_the_names_of_a_matrix_lie_in_the_picture_and_not_on_each_other(count, name):
    y = np.arange(count)
    title = "1,000 validation images of all sorts"
    figure = viz.confusion_matrix(y, y, [name.format(k) for k in y], title=title)
    figure.draw_without_rendering()
    axes = figure.get_axes()[0]
    boxes = [label.get_window_extent() for label in axes.get_yticklabels()]
    assert min(box.x0 for box in boxes) > axes.yaxis.label.get_window_extent().x1
    assert all(upper.y0 >= lower.y1 for upper, lower in itertools.pairwise(boxes))
    whole = axes.get_tightbbox()
    assert whole.x0 >= 0
    assert whole.y0 >= 0
    assert whole.x1 <= figure.bbox.x1


@pytest.mark.parametrize(
    ("losses", "place"), [([2.3, 2.2, 2.1, 2.0, 2.0, 2.0], 3), ([3, 2, 1, 0.5, 0.2, 0.1], 1)]
)
def test_the_legends_lie_where_the_curves_do_not(losses, place):
    class Run(Trained):
        loss_history = losses
        val_acc_history = (0.1, 0.1, 0.2) if place == 3 else (0.1, 0.8, 0.9)
        train_acc_history = val_acc_history

    loss, accuracy = viz.curves(Run()).get_axes()
    assert loss.get_legend()._loc == place  # 1 is the upper right corner, 3 the lower left one
    assert accuracy.get_legend()._loc == (2 if place == 3 else 4)


def test_epochs_are_whole_numbers():
    ticks = viz.curves(Trained()).get_axes()[0].get_xticks()
    assert (ticks == np.round(ticks)).all()
