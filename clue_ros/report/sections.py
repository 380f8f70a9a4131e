"""Which tables a page has, by what was measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import replace

from clue_ros.evaluate.intervals import Figure
from clue_ros.evaluate.log import FALSE_NEGATIVE
from clue_ros.evaluate.log import FALSE_POSITIVE
from clue_ros.evaluate.log import NONE
from clue_ros.evaluate.log import SUCCESS
from clue_ros.evaluate.log import TRUE_NEGATIVE
from clue_ros.evaluate.log import TRUE_POSITIVE
from clue_ros.evaluate.log import UNRESOLVED
from clue_ros.evaluate.log import WRONG_GRASP
from clue_ros.evaluate.metrics import SIZES
from clue_ros.evaluate.policies import PROBE
from clue_ros.evaluate.rewards import ENDS
from clue_ros.evaluate.rewards import QUESTION
from clue_ros.report.quantities import AMBIGUITY
from clue_ros.report.quantities import BAG
from clue_ros.report.quantities import BY_VERDICT
from clue_ros.report.quantities import GROUNDING
from clue_ros.report.quantities import LOOP
from clue_ros.report.quantities import PAIRED
from clue_ros.report.run import Run
from clue_ros.report.tables import Cell
from clue_ros.report.tables import Quantity
from clue_ros.report.tables import Row
from clue_ros.report.tables import Table
from clue_ros.report.tables import cell
from clue_ros.report.tables import downwards
from clue_ros.report.tables import side_by_side

_CONFUSION = (TRUE_POSITIVE, FALSE_NEGATIVE, FALSE_POSITIVE, TRUE_NEGATIVE)
_PRICES = (
    f'A dialog earns {ENDS[SUCCESS]:g} for a success and {ENDS[WRONG_GRASP]:g} for a wrong '
    f'grasp, {ENDS[UNRESOLVED]:g} for any other end, and {QUESTION:g} for each question. '
    'Differences are paired: the same requests, scene by scene.'
)


@dataclass(frozen=True)
class Sections:
    """The tables of a page, and what is said around them."""

    title: str
    summary: str  # one sentence
    headline: Table
    policies: Table | None
    note: str  # below the policies, or below the headline without them
    breakdowns: tuple[Table, ...]


def sections(run: Run) -> Sections:
    """The tables of a run, by its measure; those without rows are left out."""
    made = {'ambiguity': _ambiguity, 'grounding': _grounding, 'loop': _loop}[run.measure](run)
    return replace(
        made,
        policies=made.policies if made.policies and len(made.policies.rows) > 1 else None,
        breakdowns=tuple(table for table in made.breakdowns if table.rows),
    )


def _ambiguity(run: Run) -> Sections:
    figures = _figures(run)
    baselines = [name.removesuffix('f1') for name in figures if name.endswith('/f1')]
    policies = {'': PROBE, **{prefix: prefix.removesuffix('/') for prefix in baselines}}
    return Sections(
        title='Finding ambiguous requests',
        summary=f'The probe tells ambiguous requests from clear ones with an F1 of '
        f'{_words(figures, "f1", AMBIGUITY)}, over {_samples(run)}.',
        headline=downwards('The probe', figures, AMBIGUITY),
        policies=side_by_side(
            'The probe and cheaper scores of the same map',
            figures,
            policies,
            {name: AMBIGUITY[name] for name in ('f1', 'auroc')},
            strong=PROBE,
        ),
        note='All are judged on the same requests; their thresholds were fitted on other data.'
        if baselines
        else '',
        breakdowns=(_confusion(run),),
    )


def _grounding(run: Run) -> Sections:
    figures = _figures(run)
    boxes = {name: GROUNDING[name] for name in ('accuracy', 'mean_iou')}
    dialogs = {'with_dialog/': 'after a dialog', 'no_dialog/': 'without one'}
    forms = {f'form/{form}/': form for form in _forms(run)}
    return Sections(
        title='Pointing after the whole dialog',
        summary=f'Told the whole dialog, the decoder reaches an Acc@0.5 of '
        f'{_words(figures, "accuracy", GROUNDING)} over {_samples(run)}.',
        headline=downwards('The decoder', figures, GROUNDING),
        policies=None,
        note='',
        breakdowns=(
            side_by_side('By size', figures, {f'{size}/': size for size in SIZES}, boxes),
            side_by_side('By dialog', figures, dialogs, boxes),
            side_by_side('By form of the request', figures, forms, boxes),
        ),
    )


def _loop(run: Run) -> Sections:
    figures = _figures(run)
    main = run.policies[0]
    rows = {f'{policy}/': policy for policy in run.policies}
    own = {name.removeprefix(f'{main}/'): figure for name, figure in figures.items()}
    columns = {
        name: LOOP[name] for name in ('success', 'reward', 'questions', 'wrong_grasps')
    } | PAIRED
    asking = {
        name: LOOP[name]
        for name in ('false_asks', 'missed_asks', 'grasps_avoided', 'grasps_spoiled')
    }
    return Sections(
        title='The closed loop: a request, questions, an end',
        summary=_loop_summary(run, figures, main),
        headline=downwards(f'Policy {main}', own, LOOP),
        policies=side_by_side('Who decides whether to ask', figures, rows, columns, strong=main),
        note=_PRICES,
        breakdowns=(
            downwards('Beside the recording', figures, BAG),
            side_by_side('Right and wrong to ask', figures, rows, asking, strong=main),
            side_by_side('Success, where a request fits ...', figures, rows, BY_VERDICT, main),
        ),
    )


def _loop_summary(run: Run, figures: Mapping[str, Figure], main: str) -> str:
    summary = (
        f'Under the policy {main}, {_words(figures, f"{main}/success", LOOP)} of the dialogs end '
        f'well, with {_words(figures, f"{main}/questions", LOOP)} questions each'
    )
    if main != 'never' and 'never/success' in figures:
        summary += f'; without any, {_words(figures, "never/success", LOOP)} do'
    return f'{summary}. {_samples(run)}.'


def _confusion(run: Run) -> Table:
    """What the probe said beside what was true, by the form of the request."""
    records = [r for r in run.log.records if r.outcome in _CONFUSION and r.verdict != NONE]
    counts = Counter((record.form, record.outcome) for record in records)
    everything = Counter(record.outcome for record in records)
    figures = _figures(run)
    rows = [
        Row(
            form or 'unknown',
            (
                *(Cell(str(counts[form, outcome])) for outcome in _CONFUSION),
                cell(figures.get(f'form/{form}/accuracy'), AMBIGUITY['accuracy']),
            ),
        )
        for form in sorted({record.form for record in records})
    ]
    total = (
        *(Cell(str(everything[outcome])) for outcome in _CONFUSION),
        cell(figures.get('accuracy'), AMBIGUITY['accuracy']),
    )
    rows.append(Row('all', total, strong=True))
    return Table(
        'By form of the request; positive is ambiguous', ('', *_CONFUSION, 'accuracy'), tuple(rows)
    )


def _figures(run: Run) -> dict[str, Figure]:
    """The figures by their names below the measure's."""
    return {name.removeprefix(f'{run.measure}/'): one for name, one in run.figures.items()}


def _forms(run: Run) -> list[str]:
    return sorted({record.form for record in run.log.records} - {''})


def _samples(run: Run) -> str:
    cases = {record.id for record in run.log.records}
    groups = {record.group for record in run.log.records}
    return f'{_number(len(cases), "request")} in {_number(len(groups), "scene")}'


def _number(count: int, thing: str) -> str:
    return f'{count} {thing}' if count == 1 else f'{count} {thing}s'


def _words(figures: Mapping[str, Figure], name: str, quantities: Mapping[str, Quantity]) -> str:
    shown = cell(figures.get(name), quantities[name.split('/')[-1]])
    return f'{shown.text} {shown.interval}'.strip() if shown else 'nothing defined'
