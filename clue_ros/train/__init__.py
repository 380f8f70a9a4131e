"""From simulated tabletops to a checkpoint: pictures, words, and three small training stages."""
