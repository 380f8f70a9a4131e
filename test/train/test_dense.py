"""What patches and words are taught about boxes and names."""

import pytest
import torch

from clue_ros.train.dense import DenseHeads
from clue_ros.train.dense import shares_of_names
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
    ('spoken', 'category', 'red', 'blue'),
    [
        ([], 0, 0, 0),
        ([3], 0, 0, 0),  # a patch that shows nothing has no names
        ([0], 1, 1, 0),
        ([0, 3], 1, 1, 0),
        ([0, 1, 2], 1, 2 / 3, 1 / 3),
    ],
)
def test_shares_of_names(spoken, category, red, blue):
    classes = torch.tensor([[RED_MUG, RED_MUG, BLUE_MUG, TABLE]])
    chosen = torch.zeros(1, 1, 4, dtype=torch.bool)
    chosen[0, 0, spoken] = True
    categories, colors, sizes = (shares[0, 0] for shares in shares_of_names(chosen, classes))
    assert [len(categories), len(colors), len(sizes)] == [16, 10, 2]
    assert float(categories[11]) == float(categories.sum()) == float(sizes[0]) == category
    assert [float(colors[7]), float(colors[1])] == pytest.approx([red, blue])


def test_naming_counts_only_names_that_are_there():
    torch.manual_seed(0)
    heads, states = DenseHeads(8), torch.randn(3, 8)
    shares = [torch.zeros(3, count) for count in (16, 10, 2)]
    with torch.no_grad():
        assert float(heads.naming(states, shares)) == 0
        right = [int(head(heads.norm(states[1])).argmax()) for head in heads.names]
        for share, name in zip(shares, right, strict=True):
            share[1, name] = 1
        found = heads.naming(states, shares)
        torch.testing.assert_close(
            found, heads.naming(states[1:2], [share[1:2] for share in shares])
        )
        shares[1][1] = shares[1][1].roll(1)  # another colour
        assert found < heads.naming(states, shares)
