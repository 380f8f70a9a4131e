"""How well it works, on scenes of one's own: samples in, a log of all that happened, figures."""
