import numpy as np
import pytest

from handgrad import viz


def sheet(figure):
    return np.asarray(figure.get_axes()[0].images[0].get_array())


def texts(figure):
    return [text.get_text() for text in figure.get_axes()[0].texts]


def images(n, c=3, side=20):
    return np.random.default_rng(0).integers(0, 256, (n, c, side, side), dtype=np.uint8)


def test_the_grid_shows_every_image_unchanged_row_by_row():
    X = images(5)
    found = sheet(viz.image_grid(X, columns=3))
    np.testing.assert_array_equal(found[:20, :20, :3], X[0].transpose(1, 2, 0))
    np.testing.assert_array_equal(found[22:42, 22:42, :3], X[4].transpose(1, 2, 0))


def test_what_lies_between_images_is_transparent():
    found = sheet(viz.image_grid(images(4), columns=2))
    assert (found[:20, :20, 3] == 255).all()
    assert (found[20:22, :, 3] == 0).all()


def test_grey_images_and_floats_can_be_drawn():
    X = np.array([0.0, 0.5, 1.0, 7.0]).reshape(4, 1, 1, 1) * np.ones((1, 1, 20, 20))
    found = sheet(viz.image_grid(X, columns=4))
    assert [found[0, x, :3].tolist() for x in (0, 22, 44, 66)] == [[0] * 3, [128] * 3, [255] * 3, [255] * 3]


def test_small_images_are_enlarged_by_a_whole_number():
    found = sheet(viz.image_grid(images(1, side=3)))
    assert found.shape == (21, 21, 4)
    assert (found[:7, :7] == found[0, 0]).all()


def test_each_line_of_each_label_is_written():
    assert texts(viz.image_grid(images(2), ["cat\nas dog", "dog"])) == ["cat", "as dog", "dog"]


@pytest.mark.parametrize("shape", [(3, 20, 20), (2, 2, 8, 8), (0, 3, 8, 8)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match=r"images must have shape \(N, C, H, W\), C of 1 or 3"):
        viz.image_grid(np.zeros(shape, np.uint8))


def test_labels_must_be_as_many_as_images():
    with pytest.raises(ValueError, match="labels must be as many as the 2 images, got 1"):
        viz.image_grid(images(2), ["one"])


def test_an_unknown_theme_is_refused():
    with pytest.raises(ValueError, match="there is no theme 'drak'; did you mean 'dark'"):
        viz.image_grid(images(1), theme="drak")


def test_a_figure_changes_nothing_global():
    import matplotlib

    before = dict(matplotlib.rcParams)
    viz.image_grid(images(1), theme="dark")
    assert dict(matplotlib.rcParams) == before


def test_a_filter_of_zeros_is_plain_grey_beside_others():
    w = np.stack([np.zeros((3, 3, 3)), np.linspace(-1, 1, 27).reshape(3, 3, 3)])
    found = viz.filter_images(w)
    assert (found[0] == 0.5).all()
    assert found[1].min() == 0
    assert found[1].max() == 1


def test_filters_of_zeros_alone_are_grey():
    assert (viz.filter_images(np.zeros((2, 3, 3, 3))) == 0.5).all()


def test_one_giant_weight_does_not_make_the_others_grey():
    w = np.ones((4, 3, 7, 7))
    w[0, 0, 0, 0] = 1e6
    assert (viz.filter_images(w) == 1).all()


def test_filters_are_drawn_one_by_one():
    assert sheet(viz.filters(np.ones((4, 3, 7, 7)), columns=4)).shape == (21, 4 * 21 + 3 * 3, 4)


def test_filters_of_deeper_layers_are_no_images():
    with pytest.raises(ValueError, match=r"w must have shape \(F, C, HH, WW\), C of 1 or 3 and none empty"):
        viz.filter_images(np.ones((4, 16, 3, 3)))


def test_mistakes_come_with_the_most_confident_first():
    scores = np.log([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.05, 0.05, 0.9], [0.1, 0.1, 0.8]])
    y = np.array([1, 1, 0, 1])
    indices, probabilities = viz.confident_mistakes(y, scores)
    assert indices.tolist() == [2, 3, 0]
    np.testing.assert_allclose(probabilities, [0.9, 0.8, 0.7])
    assert viz.confident_mistakes(y, scores, count=1)[0].tolist() == [2]


def test_large_scores_do_not_overflow():
    _, probabilities = viz.confident_mistakes(np.array([1]), np.array([[1e4, 0.0]], np.float32))
    assert probabilities.tolist() == [1.0]


def test_each_mistake_tells_what_it_is_and_what_was_said():
    scores = np.log([[0.75, 0.25], [0.1, 0.9]])
    names = ["cat", "a very long class name"]
    figure = viz.mistakes(images(2), np.array([1, 1]), scores, names)
    assert texts(figure) == ["0: a very long…", "as cat 75%"]


def test_no_mistake_is_no_figure():
    with pytest.raises(ValueError, match="there is no mistake to draw"):
        viz.mistakes(images(1), np.array([0]), np.array([[1.0, 0.0]]))


def test_scores_must_belong_to_the_labels():
    with pytest.raises(ValueError, match=r"scores must have shape \(N, K\) and y \(N,\)"):
        viz.confident_mistakes(np.array([0, 1]), np.zeros((3, 2)))


@pytest.mark.parametrize("columns", [1, 5])
def test_a_title_fits_however_narrow_the_images_are(columns):
    figure = viz.image_grid(images(5), columns=columns, title="Most confident mistakes")
    figure.draw_without_rendering()
    assert figure.get_axes()[0].get_tightbbox().x1 <= figure.bbox.x1


def test_counts_and_columns_must_be_whole_numbers():
    with pytest.raises(ValueError, match="columns must be at least 1, got 0"):
        viz.image_grid(images(2), columns=0)
    with pytest.raises(ValueError, match="count must be at least 1, got 0"):
        viz.confident_mistakes(np.array([0]), np.array([[0.0, 1.0]]), count=0)
    with pytest.raises(TypeError, match=r"columns must be a whole number, got 1\.5"):
        viz.image_grid(images(2), columns=1.5)
