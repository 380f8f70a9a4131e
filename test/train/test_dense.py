"""What the patches are taught about boxes."""

import pytest
import torch

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
