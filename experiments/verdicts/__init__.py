"""The claims, each with a verdict that follows from rows."""
