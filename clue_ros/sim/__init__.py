"""Simulated tabletop scenes and what people say about them: pictures with exact ground truth."""
