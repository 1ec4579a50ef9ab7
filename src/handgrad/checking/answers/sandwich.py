"""Mistakes of sandwiches: each mistake of a piece, seen through the pieces around it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from handgrad import reference

from ..cases import Args
from .mutation import Mutation

_SETTINGS = {
    "affine": ("w", "b"),
    "conv": ("w", "b", "conv_param"),
    "batchnorm": ("gamma", "beta", "bn_param"),
    "spatial_batchnorm": ("gamma", "beta", "bn_param"),
    "relu": (),
    "max_pool": ("pool_param",),
}
PIECES = {
    "affine_relu": ("affine", "relu"),
    "affine_bn_relu": ("affine", "batchnorm", "relu"),
    "conv_relu": ("conv", "relu"),
    "conv_bn": ("conv", "spatial_batchnorm"),
    "conv_bn_relu": ("conv", "spatial_batchnorm", "relu"),
    "conv_pool": ("conv", "max_pool"),
    "conv_relu_pool": ("conv", "relu", "max_pool"),
    "conv_bn_relu_pool": ("conv", "spatial_batchnorm", "relu", "max_pool"),
}
Step = Callable[[Args, np.ndarray], np.ndarray]


class Chain:
    """The pieces of a sandwich on one case, by the reference."""

    def __init__(self, layer: str, args: Args) -> None:
        self.pieces = PIECES[layer]
        self.args = args
        self.piece_args: list[Args] = []
        self.caches: list[Any] = []
        x = args["x"]
        for piece in self.pieces:
            x = self._forward(piece, x)
        self.out = x

    def _forward(self, piece: str, x: np.ndarray) -> np.ndarray:
        own = self.own_args(piece, x)
        self.piece_args.append(own)
        out, cache = getattr(reference, f"{piece}_forward_naive")(*_fresh(own).values())
        self.caches.append(cache)
        return out

    def own_args(self, piece: str, x: np.ndarray) -> Args:
        """Return the arguments of one piece."""
        return {"x": x, **{name: self.args[name] for name in _SETTINGS[piece]}}

    def onwards(self, k: int, x: np.ndarray) -> np.ndarray:
        """Run the pieces behind piece k on its output."""
        for piece in self.pieces[k + 1 :]:
            x = self.forward_of(piece, x)
        return x

    def forward_of(self, piece: str, x: np.ndarray) -> np.ndarray:
        """Run one piece on any input."""
        return getattr(reference, f"{piece}_forward_naive")(*_fresh(self.own_args(piece, x)).values())[0]

    def back_to(self, k: int, dout: np.ndarray) -> np.ndarray:
        """Return the gradient of piece k's output."""
        for j in range(len(self.pieces) - 1, k, -1):
            dout = self._back(j, dout)["dx"]
        return dout

    def back_from(self, k: int, dx: np.ndarray) -> dict[str, np.ndarray]:
        """Return all gradients before piece k for a gradient of its input."""
        grads = {"dx": dx}
        for j in range(k - 1, -1, -1):
            grads |= self._back(j, grads["dx"])
        return grads

    def back_own(self, k: int, dout: np.ndarray) -> dict[str, np.ndarray]:
        """Return the gradients of one piece."""
        return self._back(k, dout)

    def _back(self, j: int, dout: np.ndarray) -> dict[str, np.ndarray]:
        piece = self.pieces[j]
        grads = getattr(reference, f"{piece}_backward_naive")(dout, self.caches[j])
        grads = grads if isinstance(grads, tuple) else (grads,)
        names = ["dx", *("d" + n for n in _SETTINGS[piece] if not n.endswith("_param"))]
        return dict(zip(names, grads, strict=True))


def _fresh(args: Args) -> Args:
    return {k: dict(v) if isinstance(v, dict) else v for k, v in args.items()}


def mutations(layer: str, of: Callable[[str], list[Mutation]]) -> list[Mutation]:
    """Return the mistakes of a sandwich; `of` gives those of a piece."""
    chains: dict[int, tuple[Args, Chain]] = {}

    def chain(args: Args) -> Chain:
        if id(args) not in chains or chains[id(args)][0] is not args:
            chains.clear() if len(chains) > 16 else None
            chains[id(args)] = (args, Chain(layer, args))
        return chains[id(args)][1]

    found: list[Mutation] = []
    pieces = PIECES[layer]
    for k in reversed(range(len(pieces))):
        for mutation in of(pieces[k]):
            found += _through(mutation, k, pieces, chain)
    return [*_pieces_left_out(pieces, chain), *_other_stage(pieces, chain), *found]


def _other_stage(pieces: tuple[str, ...], chain: Any) -> list[Mutation]:
    """Return the gradients of a piece's own arrays from a dout of another stage."""

    def own(k: int, j: int, name: str) -> Any:
        def compute(a: Args, dout: np.ndarray) -> np.ndarray:
            c = chain(a)
            return c.back_own(k, c.back_to(j, dout))[name]

        return compute

    found = []
    for k, piece in enumerate(pieces):
        for name in ("d" + n for n in _SETTINGS[piece] if not n.endswith("_param")):
            for j in range(k + 1, len(pieces)):
                words = f"it is taken of the gradient before the backward of its {pieces[k + 1]}"
                found.append(Mutation("piece-missing", name, own(k, j, name), words))
    return found


def edited(layer: str, output: str, of: Callable[[str, str], Iterable[Mutation]]) -> Iterator[Mutation]:
    """Yield the edits of the pieces of a sandwich that can change an output of it."""
    pieces = PIECES[layer]

    @functools.lru_cache(maxsize=32)
    def made(key: int) -> Chain:
        return Chain(layer, held[key])

    held: dict[int, Args] = {}

    def chain(args: Args) -> Chain:
        held[id(args)] = args
        return made(id(args))

    for k in reversed(range(len(pieces))):
        outputs = ["out"] if output == "out" else ["dx"]
        if output in ["d" + n for n in _SETTINGS[pieces[k]]]:
            outputs.append(output)
        for own in outputs:
            for mutation in of(pieces[k], own):
                yield from (m for m in _through(mutation, k, pieces, chain) if m.output == output)


def _pieces_left_out(pieces: tuple[str, ...], chain: Any) -> list[Mutation]:
    """Return a forward without one of its pieces, or with two exchanged, and a backward that skips one."""
    found = []

    def without(k: int) -> Any:
        return lambda a, _: chain(a).onwards(k, chain(a).piece_args[k]["x"])

    def exchanged(k: int) -> Any:
        def compute(a: Args, _: Any) -> np.ndarray:
            c = chain(a)
            x = c.forward_of(pieces[k + 1], c.piece_args[k]["x"])
            return c.onwards(k + 1, c.forward_of(pieces[k], x))

        return compute

    def skipped(k: int, name: str) -> Any:
        def compute(a: Args, dout: np.ndarray) -> np.ndarray:
            c = chain(a)
            return c.back_from(k, c.back_to(k, dout))[name]

        return compute

    for k, piece in enumerate(pieces):
        if k:
            found.append(Mutation("piece-missing", "out", without(k), f"forward leaves its {piece} out"))
        if k and piece != "relu":  # whose mask a relu's own mistakes speak of
            before = ["d" + n for p in pieces[:k] for n in _SETTINGS[p] if not n.endswith("_param")]
            found += [
                Mutation("piece-missing", name, skipped(k, name), f"backward leaves its {piece} out")
                for name in ("dx", *before)
            ]
        if k + 1 < len(pieces):
            words = f"its {piece} and {pieces[k + 1]} come in the other order"
            found.append(Mutation("piece-missing", "out", exchanged(k), words))
    return found


def _through(mutation: Mutation, k: int, pieces: tuple[str, ...], chain: Any) -> list[Mutation]:
    words = f"in its {pieces[k]}: {mutation.words or 'as named'}"

    def out(args: Args, _: Any) -> np.ndarray:
        c = chain(args)
        return c.onwards(k, mutation.compute(c.piece_args[k], None))

    def own(args: Args, dout: np.ndarray) -> np.ndarray:
        c = chain(args)
        return mutation.compute(c.piece_args[k], c.back_to(k, dout))

    def before(name: str) -> Any:
        def compute(args: Args, dout: np.ndarray) -> np.ndarray:
            c = chain(args)
            dx = mutation.compute(c.piece_args[k], c.back_to(k, dout))
            return c.back_from(k, dx)[name]

        return compute

    if mutation.output == "out":
        return [Mutation(mutation.mistake, "out", out, words, mutation.severity)]
    if mutation.output.startswith("running"):
        return [
            Mutation(
                mutation.mistake,
                mutation.output,
                lambda a, d: mutation.compute(chain(a).piece_args[k], d),
                words,
            )
        ]
    if mutation.output != "dx":
        return [Mutation(mutation.mistake, mutation.output, own, words)]
    earlier = ["d" + n for piece in pieces[:k] for n in _SETTINGS[piece] if not n.endswith("_param")]
    return [
        Mutation(mutation.mistake, name, before(name), words, mutation.severity) for name in ("dx", *earlier)
    ]
