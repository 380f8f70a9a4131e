"""What the robot speaks and hears with. To add a backend: a class like those, a name here."""

from clue_ros.speech.backend import Backend
from clue_ros.speech.terminal import Terminal
from clue_ros.speech.text import Text

BACKENDS: dict[str, type[Backend]] = {'text': Text, 'terminal': Terminal}
