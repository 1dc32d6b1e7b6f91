"""How Sphinx makes the site of all Markdown files: ``make docs`` writes it to build/site/docs/index.html."""

project = "Graft"
copyright = "the authors of Graft"  # noqa: A001 - Sphinx's name for it
extensions = ["myst_parser"]
root_doc = "docs/index"
include_patterns = ["*.md", "docs/**", "examples/**/*.md"]
exclude_patterns = ["docs/results/transfer"]
html_theme = "furo"
html_title = "Graft"
myst_heading_anchors = 4
