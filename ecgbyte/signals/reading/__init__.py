"""Reading ECG files: one module a format, and one way from what a file holds to a record."""
