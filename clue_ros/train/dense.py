"""What each patch of a picture shows: the first thing that the vision tower learns.

Language alone tells little about a picture. The segmentation of a simulated one tells of every
patch whether it shows a thing, which category, colour and size the thing has, where its box ends
and where it stands. Learned first, this halves nothing of the method and much of the time: the
decoder then finds in the image tokens what it is asked about. The heads are not part of the model.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch import nn

from clue_ros.sim.scene import CATEGORIES
from clue_ros.sim.scene import COLORS
from clue_ros.sim.scene import SIZES
from clue_ros.sim.scene import Scene
from clue_ros.train.corpus import OWNERS
from clue_ros.train.corpus import Owners

NAMES = {'category': CATEGORIES, 'color': COLORS, 'size': SIZES}
COLOR = list(NAMES).index('color')  # its column of the classes
_NUMBERS = 6  # four sides of the box, and the place on the table


def patch_owners(owners: Owners, grid: int) -> npt.NDArray[np.int64]:
    """The thing that each patch (grid * grid,) shows most of, -1 where it shows less than a fifth.

    `owners` (OWNERS, OWNERS), which `grid` must divide.
    """
    side = OWNERS // grid
    spots = owners.reshape(grid, side, grid, side).swapaxes(1, 2).reshape(grid * grid, -1)
    counts = np.stack([(spots == k).sum(axis=1) for k in range(max(1, owners.max() + 1))])
    best = counts.argmax(axis=0)
    return np.where(counts.max(axis=0) * 5 >= side * side, best, -1)


def patch_labels(
    owners: npt.NDArray[np.int64], scene: Scene
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Class of each patch for each of NAMES (patches, 3), -1 without; and numbers (patches, 6).

    Numbers: x1, y1, x2, y2 of the thing's box as fractions of the picture; x, y on the table in
    units of half a metre.
    """
    things = scene.things
    classes = np.array(
        [[names.index(getattr(t, key)) for key, names in NAMES.items()] for t in things]
    )
    width, height = scene.camera.width, scene.camera.height
    size = np.array([width, height, width, height, 0.5, 0.5])
    numbers = np.array([[*t.box.corners, t.x, t.y] for t in things]) / size
    shown = owners >= 0
    return (
        np.where(shown[:, None], classes[owners], -1),
        np.where(shown[:, None], numbers[owners], 0).astype(np.float32),
    )


def side_error(found: Tensor, sides: Tensor) -> Tensor:
    """Mean distance (...,) of the sides found (..., 4), in widths and heights of the box `sides`.

    What a pixel costs in IoU depends on the size of the box. Boxes of less than a twentieth of
    the picture count as that wide or high.
    """
    lengths = (sides[..., 2:] - sides[..., :2]).clamp(min=0.05)
    return ((found - sides).abs() / torch.cat([lengths, lengths], dim=-1)).mean(dim=-1)


def shares_of_names(spoken: Tensor, classes: Tensor) -> tuple[Tensor, ...]:
    """Of n sets of patches the share of each category, colour and size: (rows, n, names) each.

    `spoken` (rows, n, patches), bool; `classes` (rows, patches, 3), as `patch_labels` gives them.
    All shares are 0 where no patch shows anything.
    """
    found = []
    for one, names in zip(classes.unbind(dim=2), NAMES.values(), strict=True):
        # a class more, for the patches that show nothing
        shown = nn.functional.one_hot(one + 1, len(names) + 1)[..., 1:].float()
        counts = spoken.float() @ shown
        found.append(counts / counts.sum(dim=2, keepdim=True).clamp(min=1))
    return tuple(found)


class DenseHeads(nn.Module):
    """Linear readers of the projected image tokens."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(hidden)
        self.shown = nn.Linear(hidden, 1)
        self.names = nn.ModuleList(nn.Linear(hidden, len(names)) for names in NAMES.values())
        self.numbers = nn.Linear(hidden, _NUMBERS)

    def forward(self, features: Tensor, classes: Tensor, numbers: Tensor) -> dict[str, Tensor]:
        """Named losses of features (batch, patches, hidden), labels as `patch_labels` gives."""
        features = self.norm(features.float())
        shown = classes[..., 0] >= 0
        some = shown.sum().clamp(min=1)
        losses = {
            'shown': nn.functional.binary_cross_entropy_with_logits(
                self.shown(features).squeeze(-1).float(), shown.float()
            )
        }
        for k, (name, head) in enumerate(zip(NAMES, self.names, strict=True)):
            # not the mean: in a batch of bare tables it would be one over none
            total = nn.functional.cross_entropy(
                head(features).flatten(0, 1).float(),
                classes[..., k].flatten(),
                ignore_index=-1,
                reduction='sum',
            )
            losses[name] = total / some
        found = self.numbers(features).float()
        sides = side_error(found[..., :4], numbers[..., :4])
        losses['sides'] = (sides * shown).sum() / some
        place = (found[..., 4:] - numbers[..., 4:]).abs().mean(dim=-1)
        losses['place'] = (place * shown).sum() / some
        losses['dense'] = (
            losses['shown']
            + losses['category']
            + losses['color']
            + 0.5 * losses['size']
            + 3 * losses['sides']
            + 3 * losses['place']
        )
        return losses

    def sides(self, states: Tensor) -> Tensor:
        """The box (..., 4) that states (..., hidden) know of, as `patch_labels` counts it."""
        numbers: Tensor = self.numbers(self.norm(states.float()))
        return numbers[..., :4].float()

    def naming(self, states: Tensor, shares: Sequence[Tensor]) -> Tensor:
        """Cross-entropy of the names that states (n, hidden) know of, against shares (n, names).

        The mean of those states for which there are any; the sum of category, colour and size.
        """
        states = self.norm(states.float())
        losses = []
        for head, wanted in zip(self.names, shares, strict=True):
            known = head(states).float().log_softmax(dim=1)
            losses.append(-(wanted * known).sum() / wanted.sum().clamp(min=1))
        return torch.stack(losses).sum()

    def reads(self, features: Tensor, classes: Tensor) -> Tensor:
        """Whether category, colour and size of each patch are read correctly (batch, patches)."""
        features = self.norm(features.float())
        found = [head(features).argmax(-1) for head in self.names]
        return (torch.stack(found, dim=-1) == classes).all(dim=-1)

    @torch.no_grad()
    def right(self, features: Tensor, classes: Tensor) -> dict[str, float]:
        """Share of the shown patches whose category, colour and size are read correctly."""
        features = self.norm(features.float())
        shown = classes[..., 0] >= 0
        return {
            name: float((head(features).argmax(-1) == classes[..., k])[shown].float().mean())
            for k, (name, head) in enumerate(zip(NAMES, self.names, strict=True))
        }

    @torch.no_grad()
    def directions(self) -> dict[str, Tensor]:
        """For each name the direction (hidden,) of features that are read as it."""
        found: dict[str, Tensor] = {}
        for names, head in zip(NAMES.values(), self.names, strict=True):
            weights: Tensor = head.get_parameter('weight') * self.norm.weight
            weights = weights - weights.mean(dim=0)
            found.update(zip(names, weights - weights.mean(dim=1, keepdim=True), strict=True))
        return found
