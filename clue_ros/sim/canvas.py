"""MuJoCo's OpenGL without a screen: colours and object numbers of a model as NumPy arrays.

MuJoCo is an optional dependency (`pip install "clue_ros[sim]"`). It draws by EGL, on the GPU or,
where there is none, on the CPU.
"""

from __future__ import annotations

import os
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from clue_ros.errors import MissingSimulator

_INSTALL = (
    'Install `pip install "clue_ros[sim]"` and, on Debian or Ubuntu, '
    '`sudo apt install libegl1 libopengl0 libgl1-mesa-dri`.'
)


def import_mujoco() -> ModuleType:
    """The module mujoco; raises MissingSimulator."""
    # without a screen, unless somebody has chosen
    os.environ.setdefault('MUJOCO_GL', 'egl')
    try:
        import mujoco
    except (ImportError, AttributeError, RuntimeError, OSError) as error:
        # PyOpenGL answers a missing library by an AttributeError
        raise MissingSimulator(
            f'scenes are drawn by MuJoCo with OpenGL, which cannot be loaded: {error}. {_INSTALL}'
        ) from error
    module: ModuleType = mujoco
    return module


class Canvas:
    """A model's pictures of one size, in pixels; use it in the thread that made it."""

    def __init__(self, model: Any, width: int, height: int) -> None:
        """Open a graphics context for an MjModel; raises MissingSimulator."""
        self._mujoco = mujoco = import_mujoco()
        self.size = (width, height)
        self._model = model
        # the buffer is cleared as a whole, so it shall be no larger than the picture
        model.vis.global_.offwidth, model.vis.global_.offheight = width, height
        try:
            self._gl = mujoco.GLContext(width, height)
            self._gl.make_current()
            self._context = mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_100)
        except Exception as error:  # each graphics library has its own
            raise MissingSimulator(
                f'MuJoCo cannot draw by MUJOCO_GL={os.environ["MUJOCO_GL"]}: {error}. {_INSTALL}'
            ) from error
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, self._context)
        self._scene = mujoco.MjvScene(model, maxgeom=model.ngeom + 1)
        self._camera = mujoco.MjvCamera()
        self._camera.type = mujoco.mjtCamera.mjCAMERA_FIXED
        self._camera.fixedcamid = 0
        self._options = mujoco.MjvOption()
        self._rectangle = mujoco.MjrRect(0, 0, width, height)

    def close(self) -> None:
        """Give the graphics context back."""
        self._context.free()
        self._gl.free()

    def upload(self, texture: int) -> None:
        """Take over the model's texels of a texture."""
        self._gl.make_current()
        self._mujoco.mjr_uploadTexture(self._model, self._context, texture)

    def draw(self, data: Any) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
        """What camera 0 sees in the state of an MjData.

        Returns the colours (height, width, 3), RGB, and the number of the geom that each pixel
        shows (height, width), -1 where there is none.
        """
        mujoco = self._mujoco
        self._gl.make_current()
        mujoco.mjv_updateScene(
            self._model,
            data,
            self._options,
            None,
            self._camera,
            mujoco.mjtCatBit.mjCAT_ALL.value,
            self._scene,
        )
        colors = self._read(shadows=True, numbers=False)
        codes = self._read(shadows=False, numbers=True).astype(np.int64) @ (1, 256, 65536)
        geoms = [geom.objid for geom in self._scene.geoms[: self._scene.ngeom]]
        return colors, np.array([-1, *geoms])[codes]

    def _read(self, shadows: bool, numbers: bool) -> npt.NDArray[np.uint8]:
        """Render; with `numbers`, colours are those of the scene's elements, from 1 on."""
        flags = self._mujoco.mjtRndFlag
        self._scene.flags[flags.mjRND_SHADOW] = shadows
        self._scene.flags[flags.mjRND_SEGMENT] = numbers
        self._scene.flags[flags.mjRND_IDCOLOR] = numbers
        self._mujoco.mjr_render(self._rectangle, self._scene, self._context)
        width, height = self.size
        pixels = np.empty((height, width, 3), np.uint8)
        self._mujoco.mjr_readPixels(pixels, None, self._rectangle, self._context)
        return pixels[::-1]  # OpenGL counts rows from below
