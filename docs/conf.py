"""The documentation: sphinx-build -W docs docs/_build/html"""

project = "mmcheck"
author = "the mmcheck developers"
extensions = ["myst_parser", "mmcheck.sphinx"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
html_theme = "alabaster"
html_theme_options = {"description": "memory barriers, checked", "page_width": "70rem", "sidebar_width": "14rem"}
highlight_language = "none"
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence"]
