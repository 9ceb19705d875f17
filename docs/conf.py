"""Settings of Sphinx: ``tox -e docs`` builds the pages into build/docs."""

from ecgbyte import __version__

project = "ecgbyte"
release = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "numpydoc"]
exclude_patterns = ["examples"]
html_theme = "furo"
html_title = "ecgbyte"

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
# The pages of the harness link to tables and figures in results/, which lie outside of docs/.
suppress_warnings = ["myst.xref_missing"]

autodoc_default_options = {"members": True, "member-order": "bysource", "show-inheritance": False}
autodoc_typehints = "none"  # the docstrings say them, with shapes and units
autodoc_class_signature = "mixed"
default_role = "code"
numpydoc_show_class_members = False
