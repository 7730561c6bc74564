"""How the pages are built: `sphinx-build -n -W --keep-going -b dirhtml docs site`."""

project = "genai-scaffold"
author = "The authors of genai-scaffold"
copyright = author  # noqa: A001 - Sphinx's name for it
extensions = ["myst_parser", "sphinx_copybutton"]
exclude_patterns = ["images"]

# Links to a heading are as GitHub makes them, and a wrong one is a warning.
myst_heading_anchors = 3

html_theme = "furo"
html_title = project
html_show_sphinx = False
html_copy_source = False
html_static_path = ["style.css"]
html_css_files = ["style.css"]
# A transcript is copied without its prompts, and without what was said.
copybutton_prompt_text = "$ "
