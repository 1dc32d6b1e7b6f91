"""How Sphinx makes the site of all Markdown files: ``make docs`` writes it to build/site/docs/index.html."""

project = "Graft"
copyright = "the authors of Graft"  # noqa: A001 - Sphinx's name for it
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
autodoc_typehints = "description"
napoleon_use_rtype = False
nitpick_ignore_regex = [("py:.*", ".*")]  # types of libraries; links of pages are checked
root_doc = "docs/index"
include_patterns = ["*.md", "docs/**", "examples/**/*.md"]
exclude_patterns = ["docs/results/transfer"]
html_theme = "furo"
html_title = "Graft"
myst_heading_anchors = 4
