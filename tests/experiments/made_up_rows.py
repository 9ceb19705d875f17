"""Rows as a whole run of every method leaves them, with made-up numbers, for tests of tables, figures and pages."""

from __future__ import annotations

from typing import Any

import numpy as np

from experiments.profiles.methods import METHODS, Method
from experiments.rows.groups import PERFECT
from experiments.rows.metrics import INPUTS
from experiments.rows.schema import ResultRow, compact_json, seed_columns

SEEDS = (0, 1, 2)
SUBSETS = (
    *("all", "generated", "ecg-qa", "answer-balanced", "ecg-needed", "several-findings"),
    *("single-choose", "single-query", "single-verify"),
)
LANGUAGE = (
    *("accuracy", "bleu-4", "bleu-4-sentence", "rouge-1", "rouge-2", "rouge-l", "meteor", "bertscore-f1"),
    *("finding-f1", "empty-answers"),
)
ABLATIONS = {
    "tokenizer.num_merges": (0, 500, 1750, 5000, 10000),
    "tokenizer.boundary": ("none", "record"),
    "tokenizer.matching": ("merge-order",),
    "data.segment_seconds": (1, 5, 10),
    "model.lora_rank": (4, 64),
    "model.max_length": (256, 512),
}
CONFIGURATION = {
    "training": {"epochs": 2, "batch_size": 8, "questions_per_segment": 4, "schedule": "cosine", "optimizer": "adamw"}
    | {"learning_rate": 0.001, "precision": "no"},
    "model": {"name": "tiny", "layers": 4, "hidden_size": 128, "max_length": 1024, "lora": False}
    | {"train_embeddings": True},
    "questions": {"train": 48000},
    "evaluation": {"max_new_tokens": 32},
}


def row(table: str, method: str, metric: str, value: float, **other: Any) -> ResultRow:
    """One row, with everything else as in all made-up rows."""
    base: dict[str, Any] = {"input": "ecg", "dataset": "ptb-xl", "split": "test", "n": 1500, "seed": 0}
    base |= {"profile": "made-up", "scale": "small run", "signature": metric, "device": "cpu"}
    base |= {"configuration": compact_json(CONFIGURATION), "seeds": 1} | other
    if base["seeds"] > 1:
        base |= seed_columns(SEEDS[: base["seeds"]])
    return ResultRow(table=table, method=method, metric=metric, value=float(value), **base)


def around(value: float, half: float) -> dict[str, float]:
    """A value's interval."""
    return {"ci_low": value - half, "ci_high": value + half}


def made_up_rows() -> list[ResultRow]:
    """All methods, three training seeds and their means, all inputs, comparisons, cost, transfer, ablations, tokens."""
    draw = np.random.default_rng(4)
    rows: list[ResultRow] = []
    for place, method in enumerate(METHODS.values()):
        skill = {"tokens": 52, "features": 64, "signals": 48, "text": 35, "training-answers": 31}[method.reads]
        skill += -15 * method.as_published + (place * 7) % 9
        rows += _answers(method, skill, draw)
        if method.is_trained:
            rows += [*_costs(method, draw), *_convergence(method)]
    rows += [*_ablations(draw), *_transfer(draw), *_tokens(draw), *_ceilings(), *_decodings(draw)]
    return rows


def _answers(method: Method, skill: float, draw: np.random.Generator) -> list[ResultRow]:
    rows = []
    for shown in INPUTS if method.sees_ecg else ("text-only",):
        level = skill if shown in ("ecg", "text-only") and (shown == "ecg" or not method.sees_ecg) else 35.0
        for subset in SUBSETS:
            n = 1500 if subset == "all" else 1300 if subset == "generated" else 500
            here = {"input": shown, "subset": subset, "n": n}
            for metric in LANGUAGE:
                value = (
                    level * {"bleu-4": 0.8, "bertscore-f1": 1.3}.get(metric, 1.0) if metric != "empty-answers" else 0.5
                )
                runs = value + draw.normal(0, 1.0 if value > 1 else 0.1, len(SEEDS))
                for seed, one in zip(SEEDS, runs, strict=True):
                    rows.append(
                        row("language-quality", method.name, metric, one, seed=seed, **here, **around(one, 2.5))
                    )
                mean = float(runs.mean())
                rows.append(row("language-quality", method.name, metric, mean, seeds=3, **here, **around(mean, 3.0)))
                added = skill - mean
                if shown != "ecg" and method.sees_ecg and metric in ("accuracy", "bleu-4"):
                    name = f"{metric}-difference"
                    rows.append(row("controls", method.name, name, added, seeds=3, **here, **around(added, 2.8)))
                if shown in ("ecg", "text-only") and method.name != "merl" and metric in ("accuracy", "bleu-4"):
                    if shown == "text-only" and method.sees_ecg:
                        continue
                    against = {"variant": "against merl", "seeds": 3, **here}
                    apart = mean - 66.0 * (0.8 if metric == "bleu-4" else 1.0)
                    rows += [
                        row("comparisons", method.name, f"{metric}-difference", apart, **against, **around(apart, 3)),
                        row("comparisons", method.name, f"{metric}-p-value", 0.0132, **against),
                        row("comparisons", method.name, f"{metric}-p-holm", 0.0924, **against),
                    ]
        for seed in SEEDS:
            rows.append(row("language-quality", method.name, "truncated-inputs", 0.1, input=shown, seed=seed))
        if method.is_trained:
            area = {"input": shown, "seeds": 3}
            value = 0.5 + (skill - 35) / 80 if shown == "ecg" else 0.5
            rows.append(row("roc-areas", method.name, "roc-area-macro", value, **area, **around(value, 0.04)))
            for attribute in ("atrial fibrillation", "left axis deviation", "sinus rhythm"):
                rows.append(row("roc-areas", method.name, "roc-area", value, subset=attribute, n=60, **area))
    return rows


def _costs(method: Method, draw: np.random.Generator) -> list[ResultRow]:
    rows = []
    positions = {"tokens": 400, "features": 20, "signals": 80, "text": 17}[method.reads]
    own = "1024" if method.as_published else "shared"
    for seed in SEEDS:
        here = {"input": "ecg" if method.sees_ecg else "text-only", "split": "train", "seed": seed}
        seconds = 3.0 * positions * (1 + 0.05 * draw.normal())
        main = here | {"stage": method.stage, "padding": own}
        values = {"train-seconds": seconds, "samples-seen": 96000, "distinct-records": 8000, "steps": 4146}
        values |= {"positions": 9e4 * positions, "padded-positions": 1e5 * positions, "tokens-seen": 8e4 * positions}
        values |= {"training-flops": 700.0 * positions, "peak-memory": 900 + positions, "data-wait-seconds": 1.5}
        rows += [row("efficiency", method.name, name, value, **main) for name, value in values.items()]
        loss = here | {"stage": method.stage, "padding": own}
        rows.append(row("efficiency", method.name, "validation-loss", 0.4 + 10 / positions, **loss))
        target = loss | {"variant": "loss 0.6"}
        rows.append(row("efficiency", method.name, "seconds-to-validation-loss", 0.6 * seconds, **target))
        rows.append(row("efficiency", method.name, "samples-to-validation-loss", 0.6 * 96000, **target))
        if method.reads == "tokens":
            for name, value in {"train-seconds": 14.0, "samples-seen": 0, "distinct-records": 8000}.items():
                rows.append(row("efficiency", method.name, name, value, **here, stage="tokenizer"))
        if method.reads == "features":
            first = {
                "train-seconds": 390.0 + 10 * seed,
                "samples-seen": 160000,
                "distinct-records": 8000,
                "steps": 2500,
            }
            first |= {"training-flops": 50000.0, "peak-memory": 1200}
            rows += [row("efficiency", method.name, name, v, **here, stage="stage-1") for name, v in first.items()]
    for padding, per_thousand in (("1024", 100.0), ("none", positions / 16), ("packed", positions / 20)):
        if padding != own:
            here = {"split": "train", "stage": method.stage, "padding": padding, "n": 5}
            here["input"] = "ecg" if method.sees_ecg else "text-only"
            rows.append(
                row(
                    "efficiency",
                    method.name,
                    "timed-seconds-per-1000-samples",
                    per_thousand,
                    **here,
                    ci_low=0.95 * per_thousand,
                    ci_high=1.15 * per_thousand,
                )
            )
    return rows


def _convergence(method: Method) -> list[ResultRow]:
    """All had converged but one run of linear patches."""
    rows = []
    for seed in SEEDS:
        here = {"seed": seed, "split": "validation", "input": "ecg" if method.sees_ecg else "text-only"}
        values = {
            "converged": float((method.name, seed) != ("linear-patches", 2)),
            "flat-at-end": 0.3,
            "polarity-lowest": 0.7,
        }
        values |= {"token-counts-gap": 0.02}
        rows += [row("convergence", method.name, name, value, **here) for name, value in values.items()]
        rows.append(row("learning-rates", method.name, "learning-rate", 0.003, **here))
    for rate, loss, score in ((0.001, 0.7, 55.0), (0.003, 0.6, 60.0)):
        tried = {"split": "validation", "variant": f"learning rate {rate:g}"}
        values = {"trial-loss": loss, "trial-score": score, "trial-step": 400}
        rows += [row("learning-rates", method.name, name, value, **tried) for name, value in values.items()]
    return rows


def _ceilings() -> list[ResultRow]:
    """What perfect answers have: less than 100 in the measures that expect sentences."""
    short = {"bleu-4-sentence": 40.0, "rouge-2": 35.0, "meteor": 70.0, "empty-answers": 0.0}
    return [
        row("ceilings", PERFECT, metric, short.get(metric, 100.0), subset=subset, input="text-only")
        for subset in SUBSETS
        for metric in LANGUAGE
    ]


def _ablations(draw: np.random.Generator) -> list[ResultRow]:
    variants = ["base", *(f"{name}={value}" for name, values in ABLATIONS.items() for value in values)]
    rows = []
    for variant in variants:
        for metric in ("accuracy", "bleu-4"):
            value = 45 + 3 * draw.normal()
            rows.append(row("ablations", "ecg-byte", metric, value, variant=variant, **around(value, 3)))
    return rows


def _decodings(draw: np.random.Generator) -> list[ResultRow]:
    variant = "training seed 0 decoded at temperature 1"
    return [
        row("decodings", "ecg-byte", metric, 50 + draw.normal(), seed=seed, variant=variant)
        for metric in ("accuracy", "bleu-4")
        for seed in range(5)
    ]


def _transfer(draw: np.random.Generator) -> list[ResultRow]:
    rows = []
    for method in ("ecg-byte", "merl", "text-only"):
        for metric in ("accuracy", "bleu-4"):
            value = 38 + 3 * draw.normal()
            here = {"dataset": "synthetic", "trained_on": "ptb-xl", "seeds": 3, **around(value, 4)}
            rows.append(
                row("transfer", method, metric, value, input="text-only" if method == "text-only" else "ecg", **here)
            )
    return rows


def _tokens(draw: np.random.Generator) -> list[ResultRow]:
    measures = {"vocabulary-size": 3526, "compression": 15.8, "tokens-per-record": 380, "bits-per-sample-bound": 0.74}
    measures |= {"bits-per-sample-entropy": 0.69, "used-tokens": 81.0, "usage-entropy": 10.9, "token-length-mean": 15.8}
    measures |= {"token-length-longest": 310, "run-share": 22.0, "reconstruction-rmse": 0.0676}
    measures |= {"reconstruction-prd": 32.3, "reconstruction-largest": 0.5, "outside-range": 0.4}
    measures |= {"clipped-records": 91.0, "clipped-leads": 30.0}
    return [
        row(
            "tokenizer",
            method,
            name,
            value * (1 + 0.02 * draw.random()) if value > 1 else value,
            dataset=dataset,
            n=5000,
        )
        for method in ("ecg-byte", "ecg-byte-merge-order")
        for dataset in ("ptb-xl", "synthetic")
        for name, value in measures.items()
    ]


def made_up_curves() -> list[dict[str, Any]]:
    """``losses.json`` of the same run."""
    draw = np.random.default_rng(5)
    curves = []
    for place, method in enumerate(method for method in METHODS.values() if method.is_trained):
        for seed in SEEDS:
            steps = np.arange(1, 401)
            losses = 0.3 + 0.02 * place + 3 * np.exp(-steps / 60) + 0.1 * draw.random(len(steps))
            validation = [[int(step), float(step) * 0.3, float(losses[step - 1] + 0.05)] for step in steps[49::50]]
            curve = {"method": method.name, "stage": method.stage, "seed": seed, "validation": validation}
            curves.append(curve | {"losses": [float(loss) for loss in losses]})
            if method.reads == "features" and not method.as_published:
                curves.append({"method": method.name, "stage": "stage-1", "seed": seed, "losses": list(2 * losses)})
    return curves
