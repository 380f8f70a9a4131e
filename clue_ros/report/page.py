"""The page of a run: one HTML file that needs nothing else, neither a network nor a folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence

from jinja2 import Environment
from jinja2 import PackageLoader
from jinja2 import StrictUndefined
from markupsafe import Markup

from clue_ros import __version__
from clue_ros.evaluate.log import Record
from clue_ros.overlay import CANDIDATE_COLORS
from clue_ros.overlay import TARGET_COLOR
from clue_ros.overlay import color_table
from clue_ros.report.gallery import hang
from clue_ros.report.origin import origin
from clue_ros.report.origin import problems
from clue_ros.report.pictures import Thumbnail
from clue_ros.report.plots import plots
from clue_ros.report.run import Run
from clue_ros.report.sections import sections
from clue_ros.report.selection import OUTCOMES_WORST_FIRST
from clue_ros.report.selection import RULE


def render(run: Run, chosen: Sequence[Record], thumbnails: Mapping[str, Thumbnail | str]) -> str:
    """The page as HTML.

    `chosen` are the records of the gallery, worst first; `thumbnails` are their pictures by name,
    or why there is none.
    """
    records = run.log.records
    # every text is escaped: requests and replies come from people
    environment = Environment(
        autoescape=True,
        loader=PackageLoader('clue_ros.report', ''),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template('page.html').render(
        version=__version__,
        checkpoint=run.log.header.checkpoint,
        style=_own(environment, 'page.css'),
        script=_own(environment, 'page.js'),
        colors=_colors(),
        sections=sections(run),
        plots=list(plots(run)),
        threshold=run.log.header.options.get('threshold'),
        rule=RULE,
        total=len(records),
        filters=list(_filters(chosen)),
        gallery=hang(chosen, records, thumbnails),
        origin=list(origin(run)),
        problems=[*problems(run), *_missing(thumbnails)],
        log_name=run.summary['log'],
    )


def _missing(thumbnails: Mapping[str, Thumbnail | str]) -> Iterator[str]:
    missing = [found for found in thumbnails.values() if isinstance(found, str)]
    if missing:
        yield f'{len(missing)} of {len(thumbnails)} pictures cannot be shown: {missing[0]}'


def _own(environment: Environment, name: str) -> Markup:
    """A file of this package, as it is."""
    assert environment.loader is not None
    return Markup(environment.loader.get_source(environment, name)[0])


def _filters(chosen: Sequence[Record]) -> Iterator[tuple[str, list[tuple[str, int]]]]:
    """Names of fields with their values and how often each occurs; fields that tell cases apart."""
    for name in ('outcome', 'policy', 'form'):
        counts = Counter(getattr(record, name) for record in chosen)
        order = OUTCOMES_WORST_FIRST if name == 'outcome' else counts
        if len(counts) > 1:
            yield name, [(value, counts[value]) for value in order if value in counts]


def _colors() -> dict[str, str]:
    """CSS colours of the boxes and of the map, those of the overlay."""
    stops = color_table()[:: 255 // 5]
    return {
        'target': _css(TARGET_COLOR),
        'candidate': _css(CANDIDATE_COLORS[0]),
        'map': f'linear-gradient(90deg, {", ".join(_css(stop) for stop in stops)})',
    }


def _css(color: Sequence[int]) -> str:
    red, green, blue = (int(value) for value in color)
    return f'rgb({red} {green} {blue})'
