"""``python -m handgrad``."""

from handgrad.cli import main

main()
