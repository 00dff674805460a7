"""Crops and flips: what is inside stays, and all frames of a sample move alike."""

import torch

from snn2chip.training.augment import crop_and_flip


def test_images_move_by_an_eighth_at_most():
    torch.manual_seed(1)
    x = torch.zeros(40, 1, 16, 16)
    x[:, :, 8, 8] = 1
    moved = crop_and_flip(x)
    assert (moved.sum((1, 2, 3)) == 1).all()
    rows = moved.sum((1, 3)).argmax(1)
    assert (rows.min(), rows.max()) == (6, 10)


def test_frames_of_a_sample_move_alike():
    image = torch.rand(8, 2, 16, 16)
    torch.manual_seed(1)
    moved = crop_and_flip(image.expand(3, 8, 2, 16, 16))
    torch.manual_seed(1)
    assert torch.equal(moved, crop_and_flip(image).expand(3, 8, 2, 16, 16))
