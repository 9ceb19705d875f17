"""Synthetic 12-lead ECGs with true labels: the embedded default data set.

From the heart to the record: `patients` and `conditions` (what a record shows, and its labels), `rhythms` (when beats
happen), `beats` (their shape), `lead_geometry` (what the leads see), `synthesis`, `noise`, `reports`, `records`.
"""

from __future__ import annotations

from ecgbyte.data.synthetic.records import SyntheticRecords

__all__ = ["SyntheticRecords"]
