"""``python -m experiments``: run a profile and write its results."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Sequence

from experiments.options import parser, read_chosen


def main(arguments: list[str] | None = None) -> int:
    """Run the harness from the command line.

    Returns
    -------
    int
        0 when all is written, 1 when runs failed or are not finished (the others are written), 2 for a bad argument or
        data set, or a file that cannot be read or written (a full disk, no permission; results are then as they were),
        130 when interrupted.
    """
    given = sys.argv[1:] if arguments is None else arguments
    if given[:1] == ["export"]:
        from experiments.export import main as export

        return export(given[1:])
    options = parser().parse_args(given)
    started = time.perf_counter()
    try:
        if int(os.environ.get("WORLD_SIZE", "1")) > 1:
            raise ValueError(
                "WORLD_SIZE: the harness runs in one process; start several with --only to share its runs out "
                "(docs/training.md)"
            )
        profile, roots = read_chosen(options)
        # torch and transformers load only when the arguments are right.
        from experiments.forecast import as_json, forecast, in_words
        from experiments.jobs import execute_in_processes, num_jobs
        from experiments.plan import Group, Plan
        from experiments.run import open_study, run_profile
        from experiments.steps.work_folder import Failure, WorkFolder

        jobs = num_jobs(options.jobs)

        def do(groups: Sequence[Group], work: WorkFolder) -> list[Failure]:
            return execute_in_processes(groups, work, given, jobs)

        study = open_study(profile, options.work / profile.name, roots, options.questions, tracking=options.tracking)
        if options.finished and (options.only or options.dry_run):
            raise ValueError("--finished: writes results, so it does not go with --only or --dry-run")
        if not options.dry_run and (options.json or options.flops is not None):
            raise ValueError("--json, --flops: say how --dry-run shows what would run, and go with it alone")
        if options.export is not None and (options.only or options.dry_run):
            raise ValueError("--export: writes a model beside results, so it does not go with --only or --dry-run")
        # The names of some ablations hold a comma and a space.
        only = tuple(filter(None, re.split(r",(?! )", options.only or "")))
        if options.dry_run:
            found = forecast(Plan(study).groups(only), options.flops)
            print(as_json(found) if options.json else in_words(found))
            return 0
        if only:
            failures = do(Plan(study).groups(only), study.work)
        else:
            from experiments.report.results_folder import write_results

            outcome = run_profile(study, finished_only=options.finished, do=do)
            failures = outcome.failures
            folder = options.results / profile.name
            print(write_results(outcome, profile, folder))
            print(f"{folder} written in {(time.perf_counter() - started) / 60:.1f} minutes", file=sys.stderr)
            if options.export is not None:
                from experiments.export import replace_export
                from experiments.profiles.methods import REFERENCE_METHOD

                first = next(run for run in Plan(study).methods if run.method.name == REFERENCE_METHOD)
                if first.train_task.step.is_done:
                    replace_export(first, options.export, dtype="bfloat16")
                    print(f"{options.export} written: a model for `ecgbyte answer`", file=sys.stderr)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\ninterrupted; the same command goes on from here", file=sys.stderr)
        return 130
    for failure in failures:
        print(f"failed: {failure.run}: {failure.error}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
