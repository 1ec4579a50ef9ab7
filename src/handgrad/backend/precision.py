"""How many digits of float32 the native kernels owe."""

from __future__ import annotations

from handgrad.backend import extension

PRECISIONS = ("highest", "high", "medium", "low")


def get_precision() -> str:
    """Return one of PRECISIONS, as `set_precision` takes them; 'highest' where there is no extension."""
    return str(extension.precision()) if extension else "highest"


def set_precision(precision: str) -> None:
    """Let the native kernels compute products of float32 numbers to all digits, or to fewer of them.

    Parameters
    ----------
    precision : {'highest', 'high', 'medium', 'low'}
        'highest', the default unless HANDGRAD_PRECISION says otherwise, keeps all 24 bits of each product.
        'high' may leave out the last 8 where that is quicker, for training that is not harmed by it: an
        error below 2^-16 (1.5e-5) of each product. 'medium' may leave out the last 16: an error below
        0.4 % of each product, as in training with bfloat16. 'low' may round so in the midst of an
        algorithm that makes more of it: outputs and gradients with a root mean square error up to 4 %.
        Sums stay float32, and so do weights and all that lies in arrays.

    Raises
    ------
    ValueError
        When it is none of these.

    Notes
    -----
    Today that is so in float32, on CPUs with AMX in matrix products and in convolutions of stride 1, 'low'
    being 'medium' there, on others in 3 x 3 convolutions of stride 1, which Winograd's algorithm computes.
    At 'medium' it takes larger tiles, whose outputs have a root mean square error of 3e-5 of their own,
    where it is 3e-6 else; at 'low', on CPUs with AVX-512 and bfloat16, its products are made of numbers
    that are rounded after its transforms, an error of 1 to 3 %, and the same noise does not harm training.
    All else computes the same either way, and where there is no extension there is nothing to set. The
    first three names are those of PyTorch's ``set_float32_matmul_precision``, whose 'high' also cuts a
    number into two bfloat16 and whose 'medium' rounds it to one. Gradients are checked in float64, which
    none of this touches.

    Examples
    --------
    >>> import handgrad
    >>> handgrad.set_precision("highest")
    """
    if precision not in PRECISIONS:
        raise ValueError(f"the precision must be 'highest', 'high', 'medium' or 'low', got {precision!r}")
    if extension:
        extension.set_precision(precision)
