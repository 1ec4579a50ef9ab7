"""Windows of images as the columns of a matrix, in the courses' order.

Rows go through channel, row and column of the window; columns through output row, output column and sample.
A stride that does not divide floors, as everywhere in Handgrad.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from handgrad.layers.conv import output_sides


def get_im2col_indices(
    x_shape: tuple[int, int, int, int], field_height: int, field_width: int, padding: int = 1, stride: int = 1
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return channel (C*HH*WW, 1), row and column (C*HH*WW, H'*W') of each entry in the padded image.

    Raises
    ------
    ValueError
        When the window does not fit into the padded image.
    """
    sides = output_sides(x_shape, (field_height, field_width), (stride, stride), (padding, padding))
    channel, row, column = (g.reshape(-1, 1) for g in np.indices((x_shape[1], field_height, field_width)))
    top, left = (stride * g.reshape(1, -1) for g in np.indices(sides))
    return channel, row + top, column + left


def im2col_indices(
    x: np.ndarray, field_height: int, field_width: int, padding: int = 1, stride: int = 1
) -> np.ndarray:
    """Return the windows of x (N, C, H, W) as columns: (C*HH*WW, H'*W'*N).

    Examples
    --------
    >>> x = np.arange(4.0).reshape(1, 1, 2, 2)
    >>> im2col_indices(x, 2, 1, padding=0)
    array([[0., 1.],
           [2., 3.]])
    """
    k, i, j = get_im2col_indices(x.shape, field_height, field_width, padding, stride)
    pad = (padding, padding)
    columns = np.pad(x, ((0, 0), (0, 0), pad, pad))[:, k, i, j]
    return columns.transpose(1, 2, 0).reshape(len(k), -1)


def col2im_indices(
    cols: np.ndarray,
    x_shape: tuple[int, int, int, int],
    field_height: int = 3,
    field_width: int = 3,
    padding: int = 1,
    stride: int = 1,
) -> np.ndarray:
    """Return an image batch of `x_shape` in which every column is added back to its window.

    This is the adjoint of `im2col_indices`: overlapping windows add up.
    """
    N, C, H, W = x_shape
    k, i, j = get_im2col_indices(x_shape, field_height, field_width, padding, stride)
    padded = np.zeros((N, C, H + 2 * padding, W + 2 * padding), cols.dtype)
    entries: Any = (slice(None), k, i, j)
    np.add.at(padded, entries, cols.reshape(len(k), -1, N).transpose(2, 0, 1))
    return padded[:, :, padding : padding + H, padding : padding + W]
