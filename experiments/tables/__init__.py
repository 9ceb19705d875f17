"""Tables, each a pure function of rows."""
