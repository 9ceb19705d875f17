"""A finished run as a model that one can ask: ``python -m experiments export ecg-byte:0 FOLDER --profile default``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.options import parser as of_the_harness
from experiments.options import read_chosen

if TYPE_CHECKING:
    from experiments.steps.method_runs import MethodRun

_DTYPES = ("float32", "bfloat16", "float16")


def parser() -> argparse.ArgumentParser:
    """The command line's options; those that name a profile and its data are the harness's own."""
    parser = argparse.ArgumentParser(
        prog="python -m experiments export",
        description=__doc__,
        parents=[of_the_harness(add_help=False)],
        conflict_handler="resolve",
    )
    parser.add_argument("run", metavar="RUN", help="a method that reads ECG tokens, and a seed: ecg-byte:0")
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where the model is written; new or empty")
    parser.add_argument("--dtype", choices=_DTYPES, help="type of the written weights (default: as trained)")
    parser.add_argument(
        "--replace", action="store_true", help="write in the place of an earlier export, when the new one is whole"
    )
    parser.add_argument(
        "--adapter", action="store_true", help="of a run with LoRA: write the adapter and the name of its base alone"
    )
    return parser


def export_run(run: MethodRun, folder: Path, *, dtype: str | None = None, adapter: bool = False) -> None:
    """Write the model of a finished run with all that an answer needs.

    Parameters
    ----------
    run : MethodRun
    folder : Path
        New or empty.
    dtype : str, optional
        Of the written weights.
    adapter : bool
        Write LoRA's additions alone.

    Raises
    ------
    ValueError
        If the run is not finished, or its method reads no ECG tokens.
    FileExistsError
        If the folder holds something.
    """
    from ecgbyte.hub import Reading, save_model
    from ecgbyte.models.end_to_end import EndToEndModel
    from ecgbyte.models.joint import JointModel
    from experiments.steps.learning import train_learner
    from experiments.steps.readers.tokens import TokenReader

    name = f"{run.method.name}:{run.seed}"
    tasks = [*run.study.data_tasks, *run.reading.tasks, run.train_task]
    waiting = [task.step.name for task in tasks if not task.step.is_done]
    if waiting:
        raise ValueError(f"run: {name} is not finished, {len(waiting)} steps are left ({', '.join(waiting[:3])})")
    if not isinstance(run.reader, TokenReader):
        raise ValueError(f"run: {name} reads no ECG tokens; only a method that does can be exported")
    learner, report = train_learner(run.train_task.step.folder, run.reader, run.learning, run.shown)
    if not isinstance(learner.model, EndToEndModel | JointModel):
        raise ValueError(f"run: {name} is no end-to-end model, but {type(learner.model).__name__}")
    profile = run.study.profile
    description = (
        f"Run `{name}` of the profile `{profile.name}` (data set {profile.data.dataset}), after {report.steps} steps "
        f"of training. What it answers, and how often it is right, is in `results/{profile.name}` of the project."
    )
    save_model(
        folder,
        learner.model,
        learner.collator.text_tokenizer,
        run.reader.tokenizer,
        reading=Reading(
            max_length=learner.collator.max_length,
            answer_room=learner.collator.answer_room,
            segment_seconds=profile.data.segment_seconds,
            form=learner.collator.form.name,
        ),
        adapter=adapter,
        base=profile.model.name if adapter else None,
        dtype=dtype,
        description=description,
    )


def replace_export(run: MethodRun, folder: Path, *, dtype: str | None = None, adapter: bool = False) -> None:
    """As `export_run`, in the place of an earlier export, which stays until the new one is whole."""
    from ecgbyte.models.language.ecg_tokens import DESCRIPTION_FILE
    from experiments.report.whole_folder import replaced_folder

    if not (folder / DESCRIPTION_FILE).is_file():
        export_run(run, folder, dtype=dtype, adapter=adapter)
        return
    earlier = {path.name for path in folder.iterdir()}
    with replaced_folder(folder, made_again=earlier) as beside:
        export_run(run, beside, dtype=dtype, adapter=adapter)


def main(arguments: list[str] | None = None) -> int:
    """Export the run named on the command line; 2 where that cannot be."""
    options = parser().parse_args(arguments)
    try:
        from experiments.plan import Plan
        from experiments.run import open_study

        profile, roots = read_chosen(options)
        study = open_study(profile, options.work / profile.name, roots, options.questions)
        runs = {f"{run.method.name}:{run.seed}": run for run in Plan(study).methods if run.method.is_trained}
        if options.run not in runs:
            raise ValueError(f"run: {options.run!r} is no run of {profile.name}; there are {', '.join(runs)}")
        export = replace_export if options.replace else export_run
        export(runs[options.run], options.folder, dtype=options.dtype, adapter=options.adapter)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(options.folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
