"""Settings of a tuning that are searched for: which, between what bounds, and what each try gave.

Tries are drawn by Optuna's TPE and judged by the validation alone; one whose looks are worse than
the median of those before is broken off. What is drawn next follows from the seed and from the
tries that ended, so a search that was killed goes on as if it hadn't been. It reads no test part.
Source: Bergstra et al. (2011), "Algorithms for Hyper-Parameter Optimization".
"""

from __future__ import annotations

import math
import shutil
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from finstrat.errors import ConfigError, did_you_mean
from finstrat.models.tune import tune
from finstrat.models.tuning import GREATER, Tuning, require_no_classes, tuning_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import optuna

    from finstrat.models.labelled import Task
    from finstrat.models.tune import Lesson
    from finstrat.toml_file import TomlFile

TABLE = "search"
_FIXED = frozenset({"method", "metric", "seed", "precision", "patience"})
"""What a try is, or is judged by."""
_WHOLE = frozenset({"size", "epochs", "batch", "accumulate", "max_tokens"})
_NAMED = frozenset({"optimizer", "schedule", "class_weights"})
_AT_FIRST = 5  # tries by chance before TPE draws and the median judges
_STUDY = "tuning"
_FILE = "tries.sqlite"
_TRY = "try"


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, both included; `log` draws their logarithms evenly."""

    low: float
    high: float
    log: bool = False


Space = dict[str, Range | tuple[Any, ...]]
"""What each setting may be: a range, or one of several."""


@dataclass(frozen=True)
class Found:
    """What came of a search.

    Attributes:
        tuning: the settings that were best.
        tries: each with its `settings`, its best `value` and whether it was `broken_off`.
    """

    tuning: Tuning
    tries: tuple[dict[str, Any], ...]


def usual_space(tuning: Tuning, *, fixed: set[str]) -> Space:
    """What is searched where nothing is said, without the settings in `fixed`."""
    rate = tuning.resolved("classification").learning_rate or 0.0
    space: Space = {
        "learning_rate": Range(rate / 4, rate * 4, log=True),
        "epochs": Range(2, 6),
        "warmup": Range(0.0, 0.2),
        "weight_decay": Range(1e-4, 0.1, log=True),
    }
    if tuning.method == "lora":
        space["size"] = (4, 8, 16)
    return {key: each for key, each in space.items() if key not in fixed}


def space_of(file: TomlFile, tuning: Tuning, task: Task) -> Space:
    """The table `[search]` of a file, checked: each setting's range or choices.

    Raises:
        ConfigError: a setting that isn't there or can't be searched, a range that is upside down,
            or a value that no tuning can have.
    """
    table = file.data.get(TABLE)
    strange = [key for key in file.data if key != TABLE]
    if strange or not isinstance(table, dict) or not table:
        at = file.where((strange[0],)) if strange else file.shown_as
        raise ConfigError(f"{at}: expected one table [{TABLE}] with a setting a line")
    names = [each.name for each in fields(Tuning) if each.name not in _FIXED]
    if task == "regression":
        require_no_classes(table, f"{file.shown_as}: {TABLE}.{{}}")
    space: Space = {}
    for key, told in table.items():
        at = f"{file.where((TABLE, key))}: {TABLE}.{key}"
        if key not in names:
            raise ConfigError(
                f"{at}: no setting that can be searched{did_you_mean(key, names)}; there are "
                f"{', '.join(names)}"
            )
        space[key] = _choices(told, at) if isinstance(told, list) else _range(key, told, at)
        found = space[key]
        corners = (found.low, found.high) if isinstance(found, Range) else found
        for value in corners:
            try:
                tuning_of({"method": tuning.method, key: value}).resolved(task)
            except ConfigError as error:
                raise ConfigError(f"{at}: {error}") from None
    return space


def _choices(told: list[Any], at: str) -> tuple[Any, ...]:
    if not told or not all(isinstance(each, str | int | float) for each in told):
        raise ConfigError(f"{at}: expected a list of values, got {told!r}")
    return tuple(told)


def _range(key: str, told: Any, at: str) -> Range:  # noqa: ANN401 - a TOML value
    wanted = "expected { low = …, high = … }, with log = true if need be, or a list of values"
    if not isinstance(told, dict) or not {"low", "high"} <= set(told) <= {"low", "high", "log"}:
        raise ConfigError(f"{at}: {wanted}; got {told!r}")
    if key in _NAMED:
        raise ConfigError(f"{at}: its values are names; give a list of them")
    low, high, log = told["low"], told["high"], told.get("log", False)
    kinds = int if key in _WHOLE else int | float
    if not isinstance(log, bool) or not all(
        isinstance(each, kinds) and not isinstance(each, bool) for each in (low, high)
    ):
        kind = "whole numbers" if key in _WHOLE else "numbers"
        raise ConfigError(f"{at}: expected {kind} as low and high; got {told!r}")
    if not low < high:
        raise ConfigError(f"{at}: low {low} isn't below high {high}; turn the range around")
    if log and not low > 0:
        raise ConfigError(f"{at}: a logarithmic range begins above 0, not at {low}")
    return Range(low, high, log)


def require_validation(lesson: Lesson) -> None:
    """Nothing, where there is something to choose by.

    Raises:
        ConfigError: there is no validation.
    """
    if lesson.validation is None:
        raise ConfigError(
            "a search chooses by the validation, and there is none; give a directory of `finstrat "
            "model prepare`, or --develop"
        )


def search(
    lesson: Lesson,
    tuning: Tuning,
    space: Space,
    *,
    tries: int,
    work: Path,
    progress: Callable[[int], None] | None = None,
) -> Found:
    """The best of `tries` tunings, by `tuning.metric` of the validation.

    What isn't in `space` is as in `tuning`. `work` keeps the tries that ended, for the same call
    to go on after them; `progress` hears how many did.

    Raises:
        ConfigError: there is no validation, Optuna is missing, or no try gave a number.
    """
    require_validation(lesson)
    try:
        import optuna
        from sqlalchemy import URL
    except ImportError as error:
        raise ConfigError(
            "a search needs optuna; install finstrat with its extra: pip install 'finstrat[train]'"
        ) from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    tuning = tuning.resolved(lesson.task)
    greater = str(tuning.metric) in GREATER
    work.mkdir(parents=True, exist_ok=True)
    address = URL.create("sqlite", database=str(work / _FILE)).render_as_string()
    storage = optuna.storages.RDBStorage(address)
    try:
        study = optuna.create_study(
            storage=storage,
            study_name=_STUDY,
            direction="maximize" if greater else "minimize",
            pruner=optuna.pruners.MedianPruner(n_startup_trials=_AT_FIRST),
            load_if_exists=True,
        )
        for each in study.get_trials(deepcopy=False, states=[optuna.trial.TrialState.RUNNING]):
            study.tell(each.number, state=optuna.trial.TrialState.FAIL)  # killed; drawn again
        while (done := len(_ended(study))) < tries:
            if progress:
                progress(done)
            study.sampler = optuna.samplers.TPESampler(
                n_startup_trials=_AT_FIRST, seed=tuning.seed * 100_003 + done
            )
            _try(study, lesson, tuning, space, folder=work / _TRY)
        if progress:
            progress(done)
        return _found(study, tuning, lesson.task, greater=greater)
    finally:
        storage.remove_session()
        storage.engine.dispose()


def _ended(study: optuna.Study) -> list[Any]:
    from optuna.trial import TrialState

    states = (TrialState.COMPLETE, TrialState.PRUNED)
    return list(study.get_trials(deepcopy=False, states=states))


def _try(
    study: optuna.Study, lesson: Lesson, tuning: Tuning, space: Space, *, folder: Path
) -> None:
    """Draw and train once; what a killed try left in `folder` is removed before."""
    import optuna

    trial = study.ask()
    drawn = {key: _drawn(trial, key, each) for key, each in space.items()}

    def told(look: int, value: float) -> None:
        trial.report(value, look)
        if math.isnan(value) or trial.should_prune():
            raise optuna.TrialPruned

    shutil.rmtree(folder, ignore_errors=True)
    (folder / "model").mkdir(parents=True)
    try:
        course = tune(
            lesson,
            replace(tuning, **drawn),
            work=folder / "work",
            out=folder / "model",
            told=told,
        ).course
    except optuna.TrialPruned:
        study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        return
    values = [each[str(tuning.metric)] for each in course.looks]
    study.tell(trial, max(values) if str(tuning.metric) in GREATER else min(values))


def _drawn(trial: optuna.Trial, key: str, told: Range | tuple[Any, ...]) -> Any:  # noqa: ANN401
    if not isinstance(told, Range):
        return trial.suggest_categorical(key, told)
    if key in _WHOLE:
        return trial.suggest_int(key, int(told.low), int(told.high), log=told.log)
    return trial.suggest_float(key, told.low, told.high, log=told.log)


def _found(study: optuna.Study, tuning: Tuning, task: Task, *, greater: bool) -> Found:
    from optuna.trial import TrialState

    ended = _ended(study)
    whole = [each for each in ended if each.state == TrialState.COMPLETE]
    if not whole:
        raise ConfigError(
            f"none of {len(ended)} tries gave a {tuning.metric}; narrow the range of learning_rate"
        )
    best = (max if greater else min)(whole, key=lambda each: each.value)
    tries = tuple(
        {
            "settings": dict(each.params),
            "value": each.value
            if each.state == TrialState.COMPLETE
            else (max if greater else min)(each.intermediate_values.values(), default=None),
            "broken_off": each.state == TrialState.PRUNED,
        }
        for each in ended
    )
    return Found(replace(tuning, **best.params).resolved(task), tries)
