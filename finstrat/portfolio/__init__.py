"""From a decision to target weights: the problem an optimizer sees, and the limits it must keep."""
