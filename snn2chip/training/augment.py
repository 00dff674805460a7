"""Images that stay in their class: cut out elsewhere, and mirrored."""

import torch
from torch import Tensor
from torch.nn import functional


def crop_and_flip(x: Tensor) -> Tensor:
    """Images [N, C, H, W], each moved by up to an eighth of its height and width, half of them mirrored.

    What moves in is 0: the mean colour of images that are normalised. Frames [T, N, C, H, W] of a sample move alike.
    """
    if x.dim() == 5:
        moved = crop_and_flip(x.transpose(0, 1).flatten(1, 2))
        return moved.unflatten(1, (x.shape[0], x.shape[2])).transpose(0, 1)
    n, c, h, w = x.shape
    up, aside = h // 8, w // 8
    padded = functional.pad(x, (aside, aside, up, up))
    top = torch.randint(0, 2 * up + 1, (n, 1))
    left = torch.randint(0, 2 * aside + 1, (n, 1))
    mirrored = torch.rand(n, 1) < 0.5
    rows, columns = top + torch.arange(h), left + torch.arange(w)
    columns = torch.where(mirrored, columns.flip(1), columns)
    sample = torch.arange(n)[:, None, None, None]
    channel = torch.arange(c)[:, None, None]
    return padded[sample, channel, rows[:, None, :, None], columns[:, None, None, :]]
