"""Questions in ECG-QA's style from the findings of any data set, balanced so that the text alone gives nothing away."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np

from ecgbyte.checks import check_option
from ecgbyte.data.catalogue import FINDING_TYPES, RecordEntry
from ecgbyte.data.questions.groups import Answer, QuestionGroup, question_groups
from ecgbyte.data.questions.question import SINGLE_QUESTION_TYPES, Question
from ecgbyte.data.questions.templates import OVERLAPPING_FINDINGS, TEMPLATES, fill
from ecgbyte.data.sets.finding_table import tabulate_findings

UNCERTAIN_CHOICES = ("skip", "not sure")


def generate_questions(
    entries: Sequence[RecordEntry],
    *,
    seed: int,
    split: str = "",
    question_types: Sequence[str] = SINGLE_QUESTION_TYPES,
    template_ids: Sequence[str] | None = None,
    finding_types: Sequence[str] | None = None,
    attributes: Collection[str] | None = None,
    num_questions: int | None = None,
    per_record: int | None = None,
    balance: bool = True,
    minimum_count: int = 5,
    maximum_same_answer: int | None = None,
    uncertain: str = "skip",
    paraphrases: int | None = None,
    overlaps: Mapping[str, Sequence[str]] = OVERLAPPING_FINDINGS,
    taught: Collection[tuple[str, Answer]] | None = None,
) -> list[Question]:
    """Ask about the findings of records: verify (yes or no), choose (one of two, both or none) and query (a list).

    A group is a template with its attributes, such as "verify atrial fibrillation". Within a group, questions come in
    rounds. A round asks one record of each answer in the very same words, so that every text is followed by each answer
    equally often: yes and no for verify; either attribute, none, and both where both occur for choose, in either order.
    Queries take turns among the answers that at least `minimum_count` records give. Rounds are dealt to question types,
    then to templates and types of finding, then to groups, always to the one with the fewest questions so far; a round
    takes the records with the fewest questions so far, ties as drawn.

    Nothing is asked about a type of finding that is not in an entry's `assessed`. An uncertain finding is neither a yes
    nor a no and makes a list incomplete: the record is not asked about it, unless ``uncertain="not sure"``.

    Parameters
    ----------
    entries : sequence of RecordEntry
        The records of one split. Their order makes no difference.
    seed : int
        Seed of all draws; together with `split` and the records it decides everything.
    split : str
        The split's name; part of the sample ids.
    question_types : sequence of str
        Some of ``"single-verify"``, ``"single-choose"``, ``"single-query"``; each gets an equal share.
    template_ids : sequence of str, optional
        Some of `ecgbyte.data.questions.templates.TEMPLATES` by id, such as ``"verify-finding"``; all where None.
    finding_types : sequence of str, optional
        Some of `FINDING_TYPES`; all where None.
    attributes : collection of str, optional
        Names of findings to ask about; all where None. Pass the attributes of the training questions to ask about the
        same ones in test.
    num_questions : int, optional
        At most so many questions; fewer where records or whole rounds run out. All that the rules allow where None.
    per_record : int, optional
        At most so many questions about one record.
    balance : bool
        False keeps the answers as frequent as they are in the records.
    minimum_count : int
        A group is asked only if each answer that it must balance is given by at least so many records.
    maximum_same_answer : int, optional
        At most so many times the same answer within a group of queries. Where None, the most frequent answer is asked
        at most as often as the second most frequent could be. Has no effect without `balance`.
    uncertain : {"skip", "not sure"}
        What verify questions do with uncertain findings: leave the record out, or ask with the answer "not sure".
    paraphrases : int, optional
        Use only the first so many wordings of each template; all where None.
    overlaps : mapping of str to sequence of str
        For a name the other names whose presence makes its absence a matter of opinion; such records are not asked.
    taught : collection of (str, Answer), optional
        The texts that may be asked, each with an answer that it may have (`taught_answers` of the training questions):
        what was never answered so in training is not asked. A text is balanced over the answers left. None: all.

    Returns
    -------
    list of Question
        In the order in which they were dealt, so that any first part of it is about as balanced as the whole; source
        ``"generated"``, sample ids ``"generated-<split>-000001"`` onwards.

    Raises
    ------
    ValueError
        If an argument is out of range, a record occurs twice, `taught` is given without `balance`, or no question can
        be asked at all.
    """
    if taught is not None and not balance:
        raise ValueError("taught: got answers that were taught, expected None where balance is false")
    for question_type in question_types:
        check_option("question_types", question_type, SINGLE_QUESTION_TYPES)
    for template_id in template_ids or ():
        check_option("template_ids", template_id, [template.template_id for template in TEMPLATES])
    finding_types = FINDING_TYPES if finding_types is None else tuple(finding_types)
    for finding_type in finding_types:
        check_option("finding_types", finding_type, FINDING_TYPES)
    check_option("uncertain", uncertain, UNCERTAIN_CHOICES)
    limits = {
        "num_questions": num_questions,
        "per_record": per_record,
        "minimum_count": minimum_count,
        "maximum_same_answer": maximum_same_answer,
        "paraphrases": paraphrases,
    }
    for argument, value in limits.items():
        if value is not None and value < 1:
            raise ValueError(f"{argument}: got {value}, expected at least 1")

    table = tabulate_findings(entries, finding_types=finding_types, attributes=attributes, overlaps=overlaps)
    groups = question_groups(
        table, tuple(question_types), minimum_count=minimum_count, not_sure=uncertain == "not sure"
    )
    asked = np.zeros(len(table.record_ids), dtype=np.int64)
    dealers = [
        _Dealer(
            group,
            asked,
            f"{seed}|{split}|{group.key}",
            balance,
            per_record,
            maximum_same_answer,
            paraphrases,
            None if taught is None else frozenset(taught),
        )
        for group in groups
        if template_ids is None or group.template.template_id in template_ids
    ]
    prefix = f"generated-{split}-" if split else "generated-"
    questions = [
        Question(
            sample_id=f"{prefix}{number:06d}",
            template_id=dealer.group.template.template_id,
            question_type=dealer.group.template.question_type,
            attribute_type=dealer.group.finding_type,
            question=text,
            answer=answer,
            record_ids=(table.record_ids[column],),
            attributes=dealer.group.attributes,
            source="generated",
        )
        for number, (dealer, text, answer, column) in enumerate(_deal(dealers, num_questions), start=1)
    ]
    if not questions:
        raise ValueError(
            f"entries: {len(table.record_ids)} records allow no {' or '.join(question_types)} question about "
            f"{', '.join(finding_types)} with minimum_count={minimum_count}"
        )
    return questions


def taught_answers(questions: Sequence[Question]) -> frozenset[tuple[str, Answer]]:
    """Which answers were given to which texts."""
    return frozenset((question.question, question.answer) for question in questions)


_Dealt = tuple["_Dealer", str, Answer, int]


class _Dealer:
    """Hands out the questions of one group, round by round."""

    def __init__(
        self,
        group: QuestionGroup,
        asked: np.ndarray,
        draw: str,
        balance: bool,
        per_record: int | None,
        maximum_same_answer: int | None,
        paraphrases: int | None,
        taught: frozenset[tuple[str, Answer]] | None,
    ) -> None:
        self.group = group
        self.asked = asked
        self.per_record = per_record
        rng = np.random.default_rng(np.frombuffer(hashlib.sha256(draw.encode()).digest(), dtype=np.uint32))
        self.tie = float(rng.random())
        self.answer_of = {int(column): answer for answer, pool in group.pools.items() for column in pool}
        classes = list(group.pools.values()) if balance else [np.concatenate(list(group.pools.values()))]
        # The draw decides between records that were asked equally often: argmin takes the first.
        self.pools = [pool[rng.permutation(len(pool))] for pool in classes]
        self.required = len(group.required) if balance else 0
        self.turns = [0] * len(self.pools)
        self.most = max(map(len, self.pools))
        if balance and not self.required:
            second = sorted(map(len, self.pools))[-2]
            self.most = second if maximum_same_answer is None else maximum_same_answer
        texts = _texts(group, paraphrases)
        texts = [texts[place] for place in rng.permutation(len(texts))]
        # Of each pool; without balance there is one pool, of all answers.
        self.texts = [texts for _ in self.pools]
        if taught is not None:
            self.texts = [[text for text in texts if (text, answer) in taught] for answer in group.pools]
        # What every required answer was taught for.
        self.common = [text for text in texts if all(text in own for own in self.texts[: self.required])]
        self.rounds = 0

    def deal(self, room: int) -> list[_Dealt]:
        """The next round, empty if none is left or it has more than `room` questions."""
        picks = {place: pick for place in range(len(self.pools)) if (pick := self._pick(place)) is not None}
        if self.required:
            if any(place not in picks for place in range(self.required)) or not self.common:
                return []
            text = self.common[self.rounds % len(self.common)]
            chosen = [place for place in picks if text in self.texts[place]]
        else:
            free = [place for place in picks if self.turns[place] < self.most and self.texts[place]]
            if not free:
                return []
            chosen = [min(free, key=lambda place: (self.turns[place], place))]
            texts = self.texts[chosen[0]]
            text = texts[self.turns[chosen[0]] % len(texts)]
        if len(chosen) > room:
            return []
        dealt: list[_Dealt] = []
        for place in chosen:
            position = picks[place]
            column = int(self.pools[place][position])
            self.pools[place] = np.delete(self.pools[place], position)
            self.asked[column] += 1
            self.turns[place] += 1
            dealt.append((self, text, self.answer_of[column], column))
        self.rounds += 1
        return dealt

    def _pick(self, place: int) -> int | None:
        """Where in the pool the record stands that was asked least; None if every one has had its share."""
        pool = self.pools[place]
        if not len(pool):
            return None
        counts = self.asked[pool]
        position = int(counts.argmin())
        return None if self.per_record is not None and counts[position] >= self.per_record else position


def _texts(group: QuestionGroup, paraphrases: int | None) -> list[str]:
    wordings = group.template.wordings_about(group.finding_type)[:paraphrases]
    orders = [dict(group.fields)]
    if {"first", "second"} <= set(group.fields):
        orders.append({**group.fields, "first": group.fields["second"], "second": group.fields["first"]})
    return [fill(wording, fields) for wording in wordings for fields in orders]


def _deal(dealers: Sequence[_Dealer], num_questions: int | None) -> Iterator[_Dealt]:
    """Deal rounds, each to the question type, then the template and finding type, then the group served least."""
    tree: dict[str, dict[tuple[str, str], list[tuple[int, float, int]]]] = {}
    for index, dealer in enumerate(dealers):
        template = dealer.group.template
        branch = tree.setdefault(template.question_type, {})
        branch.setdefault((template.template_id, dealer.group.finding_type), []).append((0, dealer.tie, index))
    served: dict[object, int] = {}
    total = 0
    while tree:
        question_type = min(tree, key=lambda name: served.get(name, 0))
        branch = tree[question_type]
        leaf = min(branch, key=lambda name: served.get(name, 0))
        heap = branch[leaf]
        heapq.heapify(heap)
        count, tie, index = heap[0]
        room = 2**62 if num_questions is None else num_questions - total
        dealt = dealers[index].deal(room)
        if dealt:
            yield from dealt
            total += len(dealt)
            served[question_type] = served.get(question_type, 0) + len(dealt)
            served[leaf] = served.get(leaf, 0) + len(dealt)
            heapq.heapreplace(heap, (count + len(dealt), tie, index))
            continue
        heapq.heappop(heap)
        if not heap:
            del branch[leaf]
        if not branch:
            del tree[question_type]
