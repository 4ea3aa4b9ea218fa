"""The learned listener in torch, for training; ``lib_music.analysis.network`` applies the same weights in numpy.

Conventions: batches first; what enters is made by ``network.picture`` and ``network.tonal``, so training and
hearing read the very same numbers. Every convolution is padded with zeros, as at the ends of a song.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from lib_music.analysis import network
from lib_music.analysis.features import N_FINE

#: Steps between the taps of each block; together they reach 16 s to either side.
DILATIONS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 2, 8, 32, 128)


class Block(nn.Module):
    """A dilated convolution whose outcome is added to what came in."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(channels, channels, 3, padding=dilation, dilation=dilation, bias=False)
        self.norm = nn.BatchNorm1d(channels)
        self.out = nn.Conv1d(channels, channels, 1)
        nn.init.normal_(self.out.weight, std=0.3 / channels**0.5)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.out(functional.relu(self.norm(self.conv(x))))


class Listener(nn.Module):
    """See :class:`lib_music.analysis.network.Activations` for what comes out, here as logits."""

    def __init__(self, channels: int = 96, dilations: tuple[int, ...] = DILATIONS, dropout: float = 0.1) -> None:
        super().__init__()
        self.channels, self.dilations = channels, dilations
        self.first = nn.Conv2d(2, 24, (4, 5), stride=(2, 3), padding=(1, 2)).to(memory_format=torch.channels_last)
        self.second = nn.Conv2d(24, 32, 3, stride=(1, 2), padding=1, bias=False).to(memory_format=torch.channels_last)
        self.second_norm = nn.BatchNorm2d(32)
        bands = (N_FINE + 4 - 5) // 3 + 1
        self.stem = nn.Linear(32 * ((bands + 2 - 3) // 2 + 1), channels, bias=False)
        self.tonal = nn.Conv1d(network.N_TONAL, 48, 3, padding=1, bias=False)
        self.tonal_norm = nn.BatchNorm1d(48)
        self.tonal_out = nn.Linear(48, channels, bias=False)
        self.stem_norm = nn.BatchNorm1d(channels)
        self.drop = nn.Dropout1d(dropout)
        self.body = nn.ModuleList(Block(channels, d) for d in dilations)
        self.last = nn.Conv1d(channels, channels, 1, bias=False)
        self.last_norm = nn.BatchNorm1d(channels)
        self.beat = nn.Linear(channels, 4)
        self.span = nn.Linear(channels, 1 + network.TEMPI.size)
        with torch.no_grad():
            self.beat.bias.fill_(-3.0)

    def hidden(self, image: Tensor, pitches: Tensor) -> Tensor:
        """What the heads read [shape=(batch, steps, channels)], from images [shape=(batch, frames, N_FINE, 2)] with
        an even number of frames and pitches [shape=(batch, c, N_TONAL)]."""
        x = functional.relu(self.first(image.permute(0, 3, 1, 2)))
        x = functional.relu(self.second_norm(self.second(x)))
        x = self.stem(x.permute(0, 2, 3, 1).flatten(2))
        t = functional.relu(self.tonal_norm(self.tonal(pitches.transpose(1, 2)))).transpose(1, 2)
        x = x + self.tonal_out(_between(t, x.shape[1]))
        x = self.drop(functional.relu(self.stem_norm(x.transpose(1, 2))))
        for block in self.body:
            x = block(x)
        return functional.relu(self.last_norm(self.last(self.drop(x)))).transpose(1, 2)

    def forward(self, image: Tensor, pitches: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logits of beat and downbeat [shape=(batch, frames, 2)], of pulse [shape=(batch, spans)] and of tempo
        [shape=(batch, spans, 48)]; steps must fill whole spans."""
        hidden = self.hidden(image, pitches)
        per_span = network.SPAN // 2
        both = self.beat(hidden).reshape(hidden.shape[0], -1, 2)
        span = self.span(hidden.reshape(hidden.shape[0], -1, per_span, self.channels).mean(dim=2))
        return both, span[..., 0], span[..., 1:]


def _between(rows: Tensor, steps: int) -> Tensor:
    """Tonal values at every step, straight between one and the next."""
    missing = max(0, -(-steps // 4) + 1 - rows.shape[1])
    rows = torch.cat([rows, rows[:, -1:].expand(-1, missing, -1)], dim=1)
    part = torch.arange(4, dtype=rows.dtype)[None, None, :, None] / 4
    between = rows[:, :-1, None] * (1 - part) + rows[:, 1:, None] * part
    return between.reshape(rows.shape[0], -1, rows.shape[2])[:, :steps]


def _folded(weight: Tensor, norm: nn.BatchNorm1d | nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Weight (out first) and bias that do what the layer and its normalisation do."""
    assert norm.running_var is not None and norm.running_mean is not None
    scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    return weight * scale.reshape(-1, *[1] * (weight.ndim - 1)), norm.bias - norm.running_mean * scale


def weights(model: Listener, kind: type[np.floating] = np.float16) -> dict[str, np.ndarray]:
    """The weights as ``network`` wants them."""
    found: dict[str, Tensor] = {}
    with torch.no_grad():
        found["first.b"] = model.first.bias
        found["first.w"] = model.first.weight.permute(2, 3, 1, 0).flatten(0, 2)
        w, found["second.b"] = _folded(model.second.weight, model.second_norm)
        found["second.w"] = w.permute(2, 3, 1, 0).flatten(0, 2)
        w, found["tonal.b"] = _folded(model.tonal.weight, model.tonal_norm)
        found["tonal.w"] = w.permute(2, 1, 0).flatten(0, 1)
        w, found["stem.b"] = _folded(torch.cat([model.stem.weight, model.tonal_out.weight], dim=1), model.stem_norm)
        found["stem.w"], found["tonal.out.w"] = w.T.split([model.stem.in_features, model.tonal_out.in_features])
        for i, block in enumerate(model.body):
            assert isinstance(block, Block)
            w, found[f"body{i}.b"] = _folded(block.conv.weight, block.norm)
            found[f"body{i}.w"] = w.permute(2, 1, 0).flatten(0, 1)
            found[f"body{i}.out.w"], found[f"body{i}.out.b"] = block.out.weight[:, :, 0].T, block.out.bias
        w, found["last.b"] = _folded(model.last.weight, model.last_norm)
        found["last.w"] = w[:, :, 0].T
        found["beat.w"], found["beat.b"] = model.beat.weight.T, model.beat.bias
        found["span.w"], found["span.b"] = model.span.weight.T, model.span.bias
    arrays = {name: np.ascontiguousarray(value.detach().numpy(), kind) for name, value in found.items()}
    return {"format": np.int64(network.FORMAT), "dilations": np.array(model.dilations, np.int64), **arrays}


def export(model: Listener, path: Path) -> None:
    """Write the weights."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        np.savez_compressed(file, **weights(model))


def difference(model: Listener, path: Path, image: np.ndarray, pitches: np.ndarray) -> tuple[float, float]:
    """Largest difference of a beat's probability between torch and numpy: with the same weights, and with those of
    the file, which are rounded to float16."""
    model.eval()
    with torch.no_grad():
        even = np.pad(image, ((0, image.shape[0] % 2), (0, 0), (0, 0)))
        there = torch.sigmoid(model.beat(model.hidden(torch.from_numpy(even)[None], torch.from_numpy(pitches)[None])))
    apart = []
    for net in (network.Net(weights(model, np.float32)), network.load(path)):
        here = net.hear(image, pitches) @ net["beat.w"] + net["beat.b"]
        apart.append(float(np.abs(1 / (1 + np.exp(-here)) - there[0].numpy()).max()))
    return apart[0], apart[1]


def mean(states: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    """The mean of the weights of several runs that began alike (Wortsman et al., *Model soups*, ICML 2022)."""
    return {name: torch.stack([state[name] for state in states]).mean(dim=0) if value.dtype.is_floating_point else value
            for name, value in states[0].items()}


def main() -> None:
    parser = argparse.ArgumentParser(description="write the mean of the weights of several runs")
    parser.add_argument("runs", type=Path, nargs="+", help=".pt files that training.train wrote")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    state = mean([torch.load(path, weights_only=True) for path in args.runs])
    net = Listener(state["beat.weight"].shape[1])
    net.load_state_dict(state)
    torch.save(state, args.out.with_suffix(".pt"))
    export(net.eval(), args.out)


if __name__ == "__main__":
    main()
