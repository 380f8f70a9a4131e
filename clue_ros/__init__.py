"""Ask before you act: interactive visual grounding for robots.

A camera frame and a spoken request go in; one clarification question or the box of the meant
object comes out.
"""

from pkgutil import extend_path

# The generated interfaces (clue_ros.msg, .srv, .action) live in the installed package; running
# from the source tree must find them behind it.
__path__ = extend_path(__path__, __name__)
__version__ = '0.1.0'
