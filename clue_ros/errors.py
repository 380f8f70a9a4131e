"""The few named errors: each says what was wanted, what came and what to do next.

`code` is what services and actions answer as `error_code`; the constants of the same names in
`srv/` and `action/` are held equal by a test.
"""


class ClueError(Exception):
    """Base of all errors raised on purpose by this package."""

    code = 6  # MODEL_ERROR: anything without a number of its own went wrong in the model


class InvalidRequest(ClueError):
    """A request, reply or dialog that cannot be used: empty, too long, or not text."""

    code = 1


class UnknownCamera(ClueError):
    """A camera name that perception was not configured with."""

    code = 2


class NoImage(ClueError):
    """No usable camera frame arrived in time."""

    code = 3


class InvalidImage(ClueError):
    """An image whose encoding, size or data cannot be used."""

    code = 4


class MissingAdapter(ClueError):
    """The checkpoint lacks the probe or the adapter that the call needs."""

    code = 5


class NotActive(ClueError):
    """The node is not in the lifecycle state that serves requests."""

    code = 7


class CheckpointError(ClueError):
    """A checkpoint folder that is missing, incomplete or foreign."""


class SelfTestFailed(ClueError):
    """The loaded model does not behave as the method needs; it must not be used."""


class DeviceError(ClueError):
    """A device that does not exist here or ran out of memory."""


class InvalidSource(ClueError):
    """A folder or a bag that scenes cannot be read from."""


class MissingSimulator(ClueError):
    """MuJoCo or its graphics library is not installed or does not work here."""


class InvalidBox(ClueError):
    """Location tokens that do not form a box."""


class InvalidRun(ClueError):
    """A training run that cannot start, go on, or be used."""
