"""The reference pages in docs/nodes and their tables."""

from tools.reference import PAGES

TEXTS = {path.stem: path.read_text() for path in sorted(PAGES.glob('*.md'))}
# What stands for the value of a parameter on the pages, at its default.
PLACES = {'<camera>': 'camera', '<image_name>': 'image'}


def table(page: str, section: str) -> list[list[str]]:
    """The cells of the first table of a section, without its head; none if there is none."""
    _, _, rest = TEXTS[page].partition(f'\n## {section}\n')
    lines = [line for line in rest.partition('\n## ')[0].splitlines() if line.startswith('| ')]
    rows = [[cell.strip(' `') for cell in line.strip('| ').split(' | ')] for line in lines]
    return rows[1:]


def resolve(name: str, node: str, namespace: str = '') -> str:
    """The full name of a topic, service or action of a page."""
    for place, value in PLACES.items():
        name = name.replace(place, value)
    if name.startswith('/'):
        return name
    return f'{namespace}/{name.replace("~", node)}'
