"""Image and text in, tensors out: the backbone, its attention, the probe and the decoder."""
