"""What the figures of `clue_ros.evaluate.figures` are called for a reader, and what they mean."""

from __future__ import annotations

from clue_ros.report.tables import Quantity

AMBIGUITY = {
    'f1': Quantity('F1', 'harmonic mean of precision and recall'),
    'precision': Quantity('precision', 'of what is taken for ambiguous, how much is'),
    'recall': Quantity('recall', 'of what is ambiguous, how much is found'),
    'accuracy': Quantity('accuracy', 'requests rightly taken for ambiguous or clear'),
    'auroc': Quantity('AUROC', 'how often an ambiguous request scores above a clear one'),
    'ece': Quantity('ECE', 'how far the probability is from the frequency, on average'),
    'absent/asked': Quantity('asks for what is not there', 'of requests that fit nothing'),
}
GROUNDING = {
    'accuracy': Quantity('Acc@0.5', 'boxes with an IoU of at least 0.5'),
    'accuracy_above': Quantity('Acc above 0.5', 'boxes with an IoU of more than 0.5'),
    'mean_iou': Quantity('mean IoU', 'an answer without a box overlaps by 0'),
    'invalid': Quantity('invalid', 'neither a box nor that there is nothing'),
    'false_absent': Quantity('false absent', 'said that there is no such thing, but there is'),
    'absent/accuracy': Quantity('right about absence', 'of requests that fit nothing'),
}
LOOP = {
    'success': Quantity('success', 'pointed at what was meant, or rightly at nothing'),
    'reward': Quantity('reward', 'mean of a dialog, priced as said below', share=False),
    'questions': Quantity('questions', 'mean of a dialog', share=False),
    'questions_per_success': Quantity('questions per success', share=False),
    'wrong_grasps': Quantity('wrong grasps', 'pointed at something else'),
    'false_asks': Quantity('false asks', 'of clear requests: asked nevertheless'),
    'missed_asks': Quantity('missed asks', 'of ambiguous requests: did not ask'),
    'grasps_avoided': Quantity(
        'wrong grasps avoided', 'asked, and did not grasp what never asking grasps wrongly'
    ),
    'grasps_spoiled': Quantity(
        'right grasps spoiled', 'asked, and grasped wrongly what never asking grasps rightly'
    ),
}
PAIRED = {
    'reward_minus_probe': Quantity('reward - that of probe', share=False, difference=True),
    'success_minus_probe': Quantity('success - that of probe', difference=True),
}
# Success by how many things a request fits.
BY_VERDICT = {
    'one/success': Quantity('one thing'),
    'several/success': Quantity('several'),
    'none/success': Quantity('none'),
}
# Of a bag, beside what the robot did when it was recorded, and of its live replay.
BAG = {
    'bag/agreement': Quantity('agreement', 'ended as on the robot, where the bag tells'),
    'bag/judged': Quantity('judged', 'of the instructions, those that could be replayed'),
    'bag/replies_of_other_questions': Quantity(
        'replies to other questions', 'the robot of the bag had asked something else'
    ),
    'live/differences': Quantity('live: differences', 'to the deterministic replay', share=False),
    'live/dropped': Quantity('live: dropped', 'frames left out by choice'),
    'live/lost': Quantity('live: lost', 'frames that never arrived', share=False),
    'live/frame_latency/p50': Quantity('live: latency of a frame, p50', 'seconds', share=False),
    'live/frame_latency/p95': Quantity('live: latency of a frame, p95', 'seconds', share=False),
    'live/answer_latency/p50': Quantity('live: latency of an answer, p50', 'seconds', share=False),
    'live/answer_latency/p95': Quantity('live: latency of an answer, p95', 'seconds', share=False),
}
