"""Loading the model as the parameters say, and letting it go again."""

from __future__ import annotations

import gc
import time
from typing import TYPE_CHECKING

import numpy as np
from rclpy.node import Node

from clue_ros.dialog import Dialog
from clue_ros.nodes.parameters import Parameter

if TYPE_CHECKING:
    from clue_ros.clue import Clue

MODEL_PARAMETERS = (
    Parameter(
        'model.path',
        'clue-mini',
        'the embedded checkpoint (clue-mini), a folder, or a Hugging Face id',
        fixed=True,
    ),
    Parameter('model.device', 'auto', 'auto, cpu, cuda or cuda:N', fixed=True),
    Parameter(
        'model.dtype',
        'auto',
        'number format of the weights',
        choices=('auto', 'float32', 'bfloat16'),
        fixed=True,
    ),
    Parameter(
        'model.allow_download', False, 'fetch a model that is not on this machine yet', fixed=True
    ),
    Parameter(
        'model.threads',
        1,
        'CPU threads of the model; more than there are idle cores make it many times slower',
        1,
        256,
        fixed=True,
    ),
)


def load_model(node: Node) -> Clue:
    """Load, test and warm up the model of the parameters `model.*`; raises ClueError."""
    # torch takes seconds to import; until then the node is already there
    import torch
    from transformers.utils import logging

    from clue_ros.clue import Clue

    logging.disable_progress_bar()
    torch.set_num_threads(node.get_parameter('model.threads').value)
    begin = time.monotonic()
    path, device, dtype, allow_download = (
        node.get_parameter(f'model.{name}').value
        for name in ('path', 'device', 'dtype', 'allow_download')
    )
    clue = Clue.load(path, device, dtype, allow_download)
    # the first pass through a model is the slowest, by far on a GPU
    view = clue.look(np.zeros((480, 640, 3), np.uint8))
    clue.ambiguity(view, Dialog('warm up'))
    clue.respond(view, Dialog('warm up'), 'always' if clue.has_decoder else 'never')
    node.get_logger().info(f'{clue.description}, ready in {time.monotonic() - begin:.1f} s')
    if device == 'auto' and clue.device == 'cpu':
        node.get_logger().warning(
            'no GPU that can be used: the model runs on the CPU; '
            'set model.device to cpu if that is what you want'
        )
    return clue


def free_memory() -> None:
    """Give the memory of a model that nobody refers to any more back to the GPU."""
    import torch

    gc.collect()
    torch.cuda.empty_cache()
