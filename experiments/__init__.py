"""The harness: profiles, the plan, tables, figures and the report. The library never imports from here."""
