"""The network that tells appliances by their current."""
import torch
import waveforms
from torch import nn


def convolution(inputs, outputs, width):
    return nn.Sequential(nn.Conv1d(inputs, outputs, width, stride=2, padding=width // 2, bias=False),
                         nn.BatchNorm1d(outputs), nn.ReLU())


class ApplianceCnn(nn.Module):
    """(N, 1, 160) amperes to (N, 6) logits; the current is first divided by its effective value."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(convolution(1, 8, 7), convolution(8, 16, 5), convolution(16, 24, 5))
        self.pool = nn.AdaptiveAvgPool1d(1)
        self.dense = nn.Linear(24, len(waveforms.CLASSES))

    def forward(self, x):
        x = x / torch.sqrt(torch.mean(x * x, dim=2, keepdim=True) + 1e-6)
        return self.dense(torch.flatten(self.pool(self.features(x)), 1))
