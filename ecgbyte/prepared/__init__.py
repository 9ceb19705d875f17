"""Records prepared once: Parquet shards of preprocessed signals or tokens, with every record accounted for.

``ecgbyte prepare`` writes such a folder, `ecgbyte.prepared.folder.PreparedFolder` reads it.
"""
