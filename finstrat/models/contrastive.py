"""The contrastive sentence objective: a text read twice through dropout is near itself alone.

Pure functions over vectors. Sources: Gao et al. (2021), "SimCSE", equation 4; Wang and Isola
(2020), "Understanding contrastive representation learning through alignment and uniformity".
"""

from __future__ import annotations

import torch
from torch.nn import functional


def mean_pooled(states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Unit vectors `[D, H]` float32: the mean of `states` `[D, L, H]` over each row's own tokens.

    SimCSE reads the first token; encoders here are read by their mean, so that is what is trained.
    """
    share = mask[:, :, None].float()
    return functional.normalize((states.float() * share).sum(dim=1) / share.sum(dim=1))


def twin_loss(first: torch.Tensor, second: torch.Tensor, *, temperature: float) -> torch.Tensor:
    """The cross-entropy of finding each row's twin among all rows of `second`, both `[D, H]`."""
    return functional.cross_entropy(
        first @ second.T / temperature, torch.arange(len(first), device=first.device)
    )


def alignment(first: torch.Tensor, second: torch.Tensor) -> float:
    """The mean squared distance of twins; 0 where dropout changes nothing. Less is better."""
    return float((first - second).square().sum(dim=1).mean())


def uniformity(vectors: torch.Tensor) -> float:
    """The log of the mean Gaussian potential of all pairs, t = 2; 0 where all are one point.

    Less is better: the vectors are spread over the sphere.
    """
    return float(torch.pdist(vectors).square().mul(-2).exp().mean().log())
