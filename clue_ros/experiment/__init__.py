"""The paper's experiments at the scale of the model at hand: `clue experiment`."""
