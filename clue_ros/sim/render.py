"""Pictures of scenes by MuJoCo: one model is compiled, then things are moved and painted."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import replace
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt
import PIL.Image
import PIL.ImageDraw

from clue_ros.box import Box
from clue_ros.sim.camera import Camera
from clue_ros.sim.canvas import Canvas
from clue_ros.sim.canvas import import_mujoco
from clue_ros.sim.catalog import VARIANTS
from clue_ros.sim.catalog import parts
from clue_ros.sim.catalog import placed
from clue_ros.sim.look import TEXTURE_SIDE
from clue_ros.sim.look import Look
from clue_ros.sim.look import Surface
from clue_ros.sim.sampling import MAX_THINGS
from clue_ros.sim.sampling import TABLE
from clue_ros.sim.scene import CATEGORIES
from clue_ros.sim.scene import SIZES
from clue_ros.sim.scene import Scene
from clue_ros.sim.scene import Thing

Image = npt.NDArray[np.uint8]  # (height, width, 3), RGB

_PARTS = 3  # the most that a thing has
_FINE = 8  # times finer than pixels: the grid on which silhouettes are counted
_SURFACES = ('table', 'wall', 'floor')


@dataclass(frozen=True, eq=False)
class Picture:
    """A rendered scene: the pixels, and the graph with the boxes that they show."""

    image: Image
    scene: Scene  # boxes and visible fractions as measured
    owners: npt.NDArray[np.int64]  # (height, width): the thing that a pixel shows, -1 for none


class Renderer:
    """The compiled model and its graphics context; use it in the thread that made it.

    Pictures of another size than the last ones cost a new context.
    """

    def __init__(self) -> None:
        """Compile the model; raises MissingSimulator."""
        self._mujoco = import_mujoco()
        self._model = self._compile()
        self._data = self._mujoco.MjData(self._model)
        self._meshes = {self._model.mesh(k).name: k for k in range(self._model.nmesh)}
        self._slots = np.array(
            [[self._model.geom(f'thing{i}_{k}').id for k in range(_PARTS)]
             for i in range(MAX_THINGS)]
        )  # fmt: skip
        self._owner = np.full(self._model.ngeom + 1, -1)
        for index, geoms in enumerate(self._slots):
            self._owner[geoms] = index
        self._canvas: Canvas | None = None

    def __enter__(self) -> Renderer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the graphics context back."""
        if self._canvas is not None:
            self._canvas.close()
            self._canvas = None

    def render(self, scene: Scene) -> Picture | None:
        """Draw a scene; None when a thing in it cannot be seen at all. Raises MissingSimulator."""
        canvas = self.open(scene.camera.width, scene.camera.height)
        self._aim(scene.camera)
        self._dress(scene.look, canvas)
        for index in range(MAX_THINGS):
            self._stand(index, scene.things[index] if index < len(scene.things) else None)
        self._mujoco.mj_forward(self._model, self._data)
        image, geoms = canvas.draw(self._data)
        owners = self._owner[geoms]
        things = tuple(_measure(owners == k, scene, k) for k in range(len(scene.things)))
        seen = tuple(thing for thing in things if thing)
        if len(seen) < len(things):
            return None
        return Picture(image, replace(scene, things=seen), owners)

    def open(self, width: int, height: int) -> Canvas:
        """Get ready for pictures of this size in pixels; raises MissingSimulator."""
        if self._canvas is None or self._canvas.size != (width, height):
            self.close()
            self._canvas = Canvas(self._model, width, height)
        return self._canvas

    def _compile(self) -> Any:
        """All meshes; a table, a wall and a floor; and empty slots for the things."""
        mujoco = self._mujoco
        spec = mujoco.MjSpec.from_string(_WORLD)
        for name in _SURFACES:
            spec.add_texture(
                name=name,
                type=mujoco.mjtTexture.mjTEXTURE_2D,
                builtin=mujoco.mjtBuiltin.mjBUILTIN_FLAT,
                width=TEXTURE_SIDE,
                height=TEXTURE_SIDE,
            )
            spec.material(name).textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = name
        for category in CATEGORIES:
            for size in SIZES:
                for variant in range(len(VARIANTS)):
                    for k, part in enumerate(parts(category, size, variant)):
                        spec.add_mesh(
                            name=_mesh_name(category, size, variant, k),
                            uservert=part.vertices.ravel(),
                            userface=part.faces.ravel(),
                            inertia=mujoco.mjtMeshInertia.mjMESH_INERTIA_SHELL,
                        )
        for index in range(MAX_THINGS):
            for k in range(_PARTS):
                spec.worldbody.add_geom(
                    name=f'thing{index}_{k}',
                    type=mujoco.mjtGeom.mjGEOM_MESH,
                    meshname=_mesh_name(CATEGORIES[0], SIZES[0], 0, 0),
                    material='thing',
                    contype=0,
                    conaffinity=0,
                )
        return spec.compile()

    def _aim(self, camera: Camera) -> None:
        matrix = camera.axes.T.ravel()  # columns are the camera's axes
        self._model.cam_pos[0] = camera.position
        self._mujoco.mju_mat2Quat(self._model.cam_quat[0], matrix)
        self._model.cam_fovy[0] = np.degrees(camera.fovy)

    def _dress(self, look: Look, canvas: Canvas) -> None:
        model = self._model
        for index, name in enumerate(_SURFACES):
            surface: Surface = getattr(look, name)
            start = model.tex_adr[index]
            texels = surface.paint().ravel()
            model.tex_data[start : start + texels.size] = texels
            canvas.upload(index)
        half = look.table_turn / 2
        model.geom('table').quat = (np.cos(half), 0, 0, np.sin(half))
        level = np.cos(look.light_elevation)
        toward = np.array(
            [
                level * np.sin(look.light_azimuth),
                -level * np.cos(look.light_azimuth),
                np.sin(look.light_elevation),
            ]
        )
        warm = np.array([1 + 0.08 * look.warmth, 1.0, 1 - 0.08 * look.warmth])
        model.light_pos[0] = 2 * toward
        model.light_dir[0] = -toward
        model.light_diffuse[0] = look.brightness * warm
        # light from everywhere is a property of the headlight, which is otherwise dark
        model.vis.headlight.ambient[:] = look.ambient * warm

    def _stand(self, index: int, thing: Thing | None) -> None:
        """Put a thing into a slot, or nothing."""
        model = self._model
        model.geom_rgba[self._slots[index], 3] = 0  # not drawn
        if thing is None:
            return
        cos, sin = np.cos(thing.turn), np.sin(thing.turn)
        turn = np.array([np.cos(thing.turn / 2), 0.0, 0.0, np.sin(thing.turn / 2)])
        for k, part in enumerate(parts(thing.category, thing.size, thing.variant)):
            geom = self._slots[index, k]
            mesh = self._meshes[_mesh_name(thing.category, thing.size, thing.variant, k)]
            # the compiler has moved and turned each mesh into its own inertial frame
            x, y, z = model.mesh_pos[mesh]
            model.geom_dataid[geom] = mesh
            model.geom_pos[geom] = (thing.x + cos * x - sin * y, thing.y + sin * x + cos * y, z)
            self._mujoco.mju_mulQuat(model.geom_quat[geom], turn, model.mesh_quat[mesh])
            model.geom_rgba[geom] = (*(part.color or thing.tint), 1)


def _measure(mask: npt.NDArray[np.bool_], scene: Scene, index: int) -> Thing | None:
    """The thing with the box of its pixels and the share of its silhouette that they are."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return None
    box = Box(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
    thing = scene.things[index]
    others = (other.box for k, other in enumerate(scene.things) if k != index)
    visible = 1.0
    if any(thing.box.iou(other) > 0 for other in others):
        visible = min(1.0, int(mask.sum()) / max(1, silhouette(thing, scene.camera)))
    return replace(thing, box=box, visible=round(visible, 3))


def silhouette(thing: Thing, camera: Camera) -> int:
    """How many pixels a thing covers when nothing hides it."""
    # Pillow's polygons reach half a pixel beyond their edges; drawn larger, that matters less
    origin = np.floor(thing.box.corners[:2])
    width, height = np.ceil(np.subtract(thing.box.corners[2:], origin)).astype(int) + 1
    canvas = PIL.Image.new('1', (_FINE * int(width), _FINE * int(height)))
    draw = PIL.ImageDraw.Draw(canvas)
    for part in parts(thing.category, thing.size, thing.variant):
        pixels = camera.project(placed(part.vertices, thing.x, thing.y, thing.turn)) - origin
        for triangle in (pixels * _FINE - 0.5)[part.faces].reshape(-1, 6).tolist():
            draw.polygon(triangle, fill=1)
    return round(float(np.asarray(canvas).sum()) / _FINE**2)


def _mesh_name(category: str, size: str, variant: int, part: int) -> str:
    return f'{category}_{size}_{variant}_{part}'


_WORLD = f"""
<mujoco>
  <compiler angle="radian"/>
  <statistic extent="1" center="0 0 0"/>
  <visual>
    <quality shadowsize="2048" offsamples="4"/>
    <map znear="0.05" zfar="12" shadowclip="0.9"/>
    <headlight ambient="0 0 0" diffuse="0.08 0.08 0.08" specular="0 0 0"/>
  </visual>
  <asset>
    <material name="table" texrepeat="1 1"/>
    <material name="wall" texrepeat="2 2"/>
    <material name="floor" texrepeat="3 3"/>
    <material name="thing" specular="0.35" shininess="0.5"/>
  </asset>
  <worldbody>
    <camera mode="fixed"/>
    <light type="directional" castshadow="true" specular="0.4 0.4 0.4"/>
    <geom name="table" type="box" size="{TABLE[0] / 2} {TABLE[1] / 2} 0.02" pos="0 0 -0.02"
      material="table"/>
    <geom name="floor" type="plane" size="4 4 1" pos="0 0 -0.35" material="floor"/>
    <geom name="wall" type="plane" size="4 2 1" pos="0 1.6 0" euler="1.5708 0 0" material="wall"/>
  </worldbody>
</mujoco>
"""
