"""Train a SEW ResNet on scikit-learn's 1,797 handwritten digits (8x8): 20 seconds on one core.

    python -m examples.train_digits

Writes examples/data/digits*; 360 images are held back. Pixels are k/16, so that five bits hold the input exactly.
"""

import numpy as np
from sklearn.datasets import load_digits

from examples.training import Recipe, Split, save, split, train

RECIPE = Recipe(stem_stride=1, epochs=10, batch=16, learning_rate=1e-2, label_smoothing=0.1)


def digits() -> Split:
    """The data set: images [N, 1, 8, 8] of values k/16."""
    images, labels = (np.asarray(a) for a in load_digits(return_X_y=True))
    return split(images.reshape(-1, 8, 8) / 16, labels, held_back=360)


if __name__ == "__main__":
    data = digits()
    save("digits", train(data, RECIPE), data, RECIPE)
