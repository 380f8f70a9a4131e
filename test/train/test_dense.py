"""What patches and words are taught about boxes and names."""

import pytest
import torch

from clue_ros.train.dense import DenseHeads
from clue_ros.train.dense import common_names
from clue_ros.train.dense import side_error

BOX = (0.2, 0.4, 0.4, 0.5)  # 0.2 wide, 0.1 high


@pytest.mark.parametrize(
    ('found', 'sides', 'error'),
    [
        (BOX, BOX, 0.0),
        ((0.3, 0.4, 0.4, 0.5), BOX, 0.5 / 4),  # one side by half a width
        ((0.2, 0.4, 0.4, 0.4), BOX, 1 / 4),  # one by a height
        ((0.2, 0.45, 0.5, 0.55), BOX, (0.5 + 0.5 + 0.5) / 4),
        ((0.51, 0.5, 0.51, 0.5), (0.5, 0.5, 0.51, 0.5), 0.2 / 4),  # a line counts as 0.05 wide
    ],
)
def test_a_side_is_off_in_sizes_of_the_box(found, sides, error):
    assert float(side_error(torch.tensor(found), torch.tensor(sides))) == pytest.approx(
        error, abs=1e-6
    )


RED_MUG, BLUE_MUG, TABLE = (11, 7, 0), (11, 1, 0), (-1, -1, -1)


@pytest.mark.parametrize(
    ('spoken', 'names'),
    [
        ([], (-1, -1, -1)),
        ([2], (-1, -1, -1)),  # patches that show nothing have no names
        ([0], RED_MUG),
        ([0, 1], (11, -1, 0)),  # two colours are none
        ([0, 2], (-1, -1, -1)),
    ],
)
def test_names_that_all_patches_share(spoken, names):
    classes = torch.tensor([[RED_MUG, BLUE_MUG, TABLE]])
    chosen = torch.zeros(1, 1, 3, dtype=torch.bool)
    chosen[0, 0, spoken] = True
    assert common_names(chosen, classes)[0, 0].tolist() == list(names)


def test_naming_counts_only_names_that_are_there():
    torch.manual_seed(0)
    heads, states = DenseHeads(8), torch.randn(3, 8)
    unknown = torch.full((3, 3), -1)
    assert float(heads.naming(states, unknown)) == 0
    one = unknown.clone()
    one[1] = torch.tensor(RED_MUG)
    torch.testing.assert_close(heads.naming(states, one), heads.naming(states[1:2], one[1:2]))
    right = torch.stack([head(heads.norm(states[1])).argmax() for head in heads.names])
    one[1] = right
    other = one.clone()
    other[1, 1] = (right[1] + 1) % 10
    assert heads.naming(states, one) < heads.naming(states, other)
