"""Convolutional networks with hand-written gradients on plain NumPy arrays."""
