"""One-edit variants of worked solutions: a slip that no catalogue lists is still an edit of some line.

`alternatives` knows what may be written wrongly in place of one expression, `sites` finds the places of a
function, `variants` makes functions with one edit (or the same edit at all its places, or at a place and
its twin for the other axis), `naming` says in words what was done.
"""
