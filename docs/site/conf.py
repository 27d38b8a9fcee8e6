# How Sphinx makes the site of the pages that docs/site/prepare.py has written.

from pathlib import Path

project = "troupe"
copyright = "the authors of troupe, BSD 3-Clause License"
extensions = ["myst_parser", "breathe", "sphinx_copybutton"]
root_doc = "index"
exclude_patterns = ["pictures", "site"]

html_theme = "furo"
html_title = "troupe"
html_show_sphinx = False
html_show_sourcelink = False

highlight_language = "cpp"
# Output in a comment is not C++, and is shown as it is.
suppress_warnings = ["misc.highlighting_failure"]
primary_domain = "cpp"
myst_heading_anchors = 4

breathe_projects = {"troupe": str(Path(__file__).parents[2] / "build/docs/xml")}
breathe_default_project = "troupe"
breathe_show_include = False
