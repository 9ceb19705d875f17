"""Descriptions of data sets: complete, and refused where they are not."""

from __future__ import annotations

import re

import pytest

from ecgbyte.data.catalogue import FINDING_TYPES
from ecgbyte.data.sets.described import descriptions, parse_description
from ecgbyte.data.sets.ptbxl_findings import STATEMENTS
from ecgbyte.data.sets.snomed_findings import CODES_WITHOUT_FINDING, SNOMED_FINDINGS, findings_of_codes

NAMES = {
    "ptb-xl",
    "mimic-iv-ecg",
    "code-15",
    "cpsc-2018",
    "chapman-shaoxing-ningbo",
    "cinc-2020",
    "cinc-2021",
    "georgia",
}
# Scored by the challenge of 2021 as the same diagnosis.
SAME = [("733534002", "164909002"), ("713427006", "59118001"), ("284470004", "63593006"), ("427172004", "17338001")]


def test_all_data_sets_are_described():
    found = descriptions()
    assert set(found) == NAMES
    for description in found.values():
        assert description.rates and description.records > 1000 and description.citation and description.how
        assert set(description.assessed) <= set(FINDING_TYPES)
        assert bool(description.pattern) == (description.layout == "wfdb-comments")
        re.compile(description.pattern)


def test_faults_of_a_description_are_named():
    with pytest.raises(ValueError, match="has the field 'colour'"):
        parse_description('colour = "red"')
    with pytest.raises(ValueError, match=r"missing .* required positional arguments"):
        parse_description('name = "x"')


def test_codes_have_a_type_and_names_that_ptb_xl_has():
    assert {kind for kind, _ in SNOMED_FINDINGS.values()} <= set(FINDING_TYPES)
    assert not CODES_WITHOUT_FINDING & set(SNOMED_FINDINGS)
    assert all(SNOMED_FINDINGS[one] == SNOMED_FINDINGS[other] for one, other in SAME)
    shared = set(SNOMED_FINDINGS.values()) & set(STATEMENTS.values())
    # What both data sets can be asked about: at least the rhythms, blocks and ectopic beats.
    assert len(shared) >= 30
    assert {("rhythm", "atrial fibrillation"), ("conduction", "right bundle branch block")} <= shared


def test_a_rhythm_is_assessed_where_one_is_stated():
    findings, assessed, unknown = findings_of_codes(["164889003", "164934002", "164934002", "99"], ["st-t"])
    assert [finding.name for finding in findings] == ["atrial fibrillation", "t-wave abnormality"]
    assert (assessed, unknown) == (("rhythm", "st-t"), ("99",))
    assert findings_of_codes(["59118001"], [])[1] == ()
