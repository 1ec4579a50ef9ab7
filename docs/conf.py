"""Sphinx settings."""

from handgrad import __version__

project = "Handgrad"
author = "The Handgrad authors"
copyright = "2026, The Handgrad authors"
release = version = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.mathjax"]
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3
autodoc_default_options = {"members": True, "member-order": "bysource"}
autodoc_typehints = "none"  # the shapes in the docstrings say more
napoleon_google_docstring = False
napoleon_use_ivar = True  # attributes as a list: as entries of their own they would stand twice on the page

exclude_patterns = ["_build"]
html_theme = "alabaster"
html_theme_options = {"description": "Hand-written gradients on plain NumPy arrays", "page_width": "1080px"}
html_show_sourcelink = False
