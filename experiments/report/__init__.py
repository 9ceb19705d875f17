"""The folder of results: its files, its pages, and the words beside tables and figures."""
