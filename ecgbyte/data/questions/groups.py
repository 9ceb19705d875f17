"""Every question that records allow, grouped so that the questions of one group differ only in record and answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from ecgbyte.data.questions import templates
from ecgbyte.data.questions.templates import NONE_ANSWER, TYPE_PHRASES, QuestionTemplate
from ecgbyte.data.sets.finding_table import ABSENT, PRESENT, UNCERTAIN, UNKNOWN, FindingTable
from ecgbyte.signals.leads import LEADS

Answer = tuple[str, ...]
YES: Answer = ("yes",)
NO: Answer = ("no",)
NOT_SURE: Answer = ("not sure",)


@dataclass(frozen=True)
class QuestionGroup:
    """One template with one choice of attributes, and which records give which answer.

    Attributes
    ----------
    template : QuestionTemplate
        What is asked, in several wordings.
    finding_type : str
        What it is about.
    attributes : tuple of str
        The names that the question contains.
    fields : dict of str to str
        What fills the wordings.
    pools : dict of Answer to int64 [records]
        For each answer the columns of the records that give it. No record is in two pools.
    required : tuple of Answer
        The answers that must be asked equally often; the others are asked as often as these where records last.
        Empty for queries, whose answers are all alike.
    """

    template: QuestionTemplate
    finding_type: str
    attributes: tuple[str, ...]
    fields: Mapping[str, str]
    pools: dict[Answer, np.ndarray]
    required: tuple[Answer, ...]

    @property
    def key(self) -> str:
        """Identifies the group among all groups of any set of records."""
        return "|".join((self.template.template_id, self.finding_type, *self.attributes))


def question_groups(
    table: FindingTable, question_types: Sequence[str], *, minimum_count: int, not_sure: bool
) -> list[QuestionGroup]:
    """All groups that have at least `minimum_count` records for each required answer, in a fixed order.

    An answer of a query that fewer than `minimum_count` records give is left out.
    """
    groups: list[QuestionGroup] = []
    for kind, names in table.names.items():
        if "single-verify" in question_types:
            groups += _verify_groups(table, kind, names, not_sure)
        if "single-choose" in question_types and kind != "normal":
            groups += _choose_groups(table, kind, names, minimum_count)
        if "single-query" in question_types and kind != "normal":
            groups += _query_groups(table, kind, names)
    kept = []
    for group in groups:
        if group.required:
            if all(len(group.pools[answer]) >= minimum_count for answer in group.required):
                kept.append(group)
            continue
        pools = {answer: pool for answer, pool in group.pools.items() if len(pool) >= minimum_count}
        # With one answer left the text alone gives it away.
        if len(pools) > 1:
            kept.append(QuestionGroup(group.template, group.finding_type, group.attributes, group.fields, pools, ()))
    return kept


def _verify_pools(state: np.ndarray, not_sure: bool) -> dict[Answer, np.ndarray]:
    pools: dict[Answer, np.ndarray] = {YES: np.flatnonzero(state == PRESENT), NO: np.flatnonzero(state == ABSENT)}
    if not_sure:
        pools[NOT_SURE] = np.flatnonzero(state == UNCERTAIN)
    return pools


def _verify_groups(table: FindingTable, kind: str, names: Sequence[str], not_sure: bool) -> list[QuestionGroup]:
    groups = []
    for name in names:
        state = np.where(table.overlapped[kind, name], UNKNOWN, table.states[kind, name])
        template = templates.VERIFY_NORMAL if kind == "normal" else templates.VERIFY_FINDING
        pools = _verify_pools(state, not_sure)
        groups.append(QuestionGroup(template, kind, (name,), {"finding": name}, pools, (YES, NO)))
        if (kind, name) in table.leads:
            for lead in LEADS:
                pools = _verify_pools(table.lead_states(kind, name, lead), False)
                fields = {"finding": name, "lead": lead}
                groups.append(QuestionGroup(templates.VERIFY_LEAD, kind, (name, lead), fields, pools, (YES, NO)))
    states = [state for (of_kind, _), state in table.states.items() if of_kind == kind]
    if kind not in templates.TYPES_WITHOUT_ANY and states:
        stacked = np.stack(states)
        state = np.where((stacked == PRESENT).any(axis=0), PRESENT, stacked.max(axis=0))
        fields = {"finding_type": TYPE_PHRASES[kind]}
        pools = _verify_pools(state, not_sure)
        groups.append(QuestionGroup(templates.VERIFY_ANY, kind, (), fields, pools, (YES, NO)))
    return groups


def _choose_groups(table: FindingTable, kind: str, names: Sequence[str], minimum_count: int) -> list[QuestionGroup]:
    groups = []
    state = {name: np.where(table.overlapped[kind, name], UNKNOWN, table.states[kind, name]) for name in names}
    frequent = [name for name in names if np.count_nonzero(state[name] == PRESENT) >= minimum_count]
    for first, second in combinations(frequent, 2):
        here, there = state[first], state[second]
        none: Answer = (NONE_ANSWER,)
        pools = {
            (first,): np.flatnonzero((here == PRESENT) & (there == ABSENT)),
            (second,): np.flatnonzero((here == ABSENT) & (there == PRESENT)),
            none: np.flatnonzero((here == ABSENT) & (there == ABSENT)),
            (first, second): np.flatnonzero((here == PRESENT) & (there == PRESENT)),
        }
        required = ((first,), (second,), none)
        fields = {"first": first, "second": second}
        groups.append(QuestionGroup(templates.CHOOSE_FINDING, kind, (first, second), fields, pools, required))
    return groups


def _query_groups(table: FindingTable, kind: str, names: Sequence[str]) -> list[QuestionGroup]:
    fields = {"finding_type": TYPE_PHRASES[kind]}
    groups = [QuestionGroup(templates.QUERY_FINDINGS, kind, (), fields, _pools_by_answer(table.listed[kind]), ())]
    in_leads = [name for name in names if (kind, name) in table.leads]
    for name in in_leads:
        pools = _pools_by_answer(table.leads[kind, name])
        groups.append(QuestionGroup(templates.QUERY_LEADS, kind, (name,), {"finding": name}, pools, ()))
    if in_leads:
        for lead in LEADS:
            pools = _pools_by_answer(_listed_in_lead(table, kind, lead))
            groups.append(
                QuestionGroup(templates.QUERY_LEAD_FINDINGS, kind, (lead,), {**fields, "lead": lead}, pools, ())
            )
    return groups


def _listed_in_lead(table: FindingTable, kind: str, lead: str) -> list[Answer | None]:
    """For each record the findings in one lead, None where a finding's leads are not known."""
    listed: list[Answer | None] = []
    for column, present in enumerate(table.listed[kind]):
        if present is None:
            listed.append(None)
            continue
        leads = [table.leads[kind, name][column] if (kind, name) in table.leads else None for name in present]
        if any(found is None for found in leads):
            listed.append(None)
        else:
            listed.append(tuple(name for name, found in zip(present, leads, strict=True) if found and lead in found))
    return listed


def _pools_by_answer(answers: Sequence[Answer | None]) -> dict[Answer, np.ndarray]:
    columns: dict[Answer, list[int]] = {}
    for column, answer in enumerate(answers):
        if answer is not None:
            columns.setdefault(answer or (NONE_ANSWER,), []).append(column)
    return {answer: np.array(columns[answer], dtype=np.int64) for answer in sorted(columns)}
