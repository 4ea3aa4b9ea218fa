"""Train the learned listener and write its weights: ``python -m training.train FOLDER --held FOLDER --out FILE``.

Pieces that appear in the folder while it runs are taken up, so rendering and training can run side by side. The
learning rate follows the clock (``--minutes``), so training ends when it should on any machine.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import queue
import threading
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from lib_music.analysis import network
from training import dataset, evaluate, model

#: Frames by which an activation may lie beside its beat and still be right: 23 ms.
TOLERANCE = 2
#: How much a beat and a downbeat weigh against a frame that is none; there are 40 and 160 times as many of those.
RIGHT = (6.0, 12.0)
PULSE, TEMPO = 0.1, 0.08


def pulse_loss(logits: Tensor, truth: Tensor, inside: Tensor, weight: float) -> Tensor:
    """Binary cross-entropy that forgives a small shift (Foscarin, Schlüter & Widmer, ISMIR 2024).

    A beat is compared with the highest activation within TOLERANCE; other frames count unless they are so near
    that this highest one reaches into them.

    Parameters
    ----------
    logits, truth, inside : [shape=(batch, frames)]
    """
    highest = functional.max_pool1d(logits[:, None], 2 * TOLERANCE + 1, 1, TOLERANCE)[:, 0]
    near = functional.max_pool1d(truth[:, None], 4 * TOLERANCE + 1, 1, 2 * TOLERANCE)[:, 0]
    counts = inside * (truth * weight + (1 - near))
    return (functional.binary_cross_entropy_with_logits(highest, truth, reduction="none") * counts).sum() / inside.sum()


class Feed:
    """Makes batches in a thread, from the pieces in a folder as they come."""

    def __init__(self, folder: Path, batch: int, seed: int) -> None:
        self.folder, self.batch = folder, batch
        self.rng = np.random.default_rng(seed)
        self.items: dict[str, dataset.Item] = {}
        self.ready: queue.Queue[tuple[Tensor, ...]] = queue.Queue(maxsize=4)
        self._scan()
        threading.Thread(target=self._run, daemon=True).start()

    def _scan(self) -> None:
        for path in sorted(self.folder.glob("[0-9]*.npz")):
            if path.name not in self.items:
                self.items[path.name] = dataset.load(path)
        self.pool = list(self.items.values())
        self.quiet = [item for item in self.pool if item.truth.beats.size == 0]
        # Music without drums is harder and rarer.
        weight = np.array([1.0 if item.truth.drums else 1.4 for item in self.pool])
        self.weight = weight / weight.sum()
        self.scanned = time.monotonic()

    def _run(self) -> None:
        while True:
            if time.monotonic() - self.scanned > 60:
                self._scan()
            chosen = self.rng.choice(len(self.pool), self.batch, p=self.weight)
            self.ready.put(stacked([dataset.example(self.rng, self.pool[i], self.quiet) for i in chosen]))


def stacked(examples: list[dataset.Example]) -> tuple[Tensor, ...]:
    """A batch: image, pitches, beats, inside, pulse, tempo."""
    names = ("image", "pitches", "beats", "inside", "pulse", "tempo")
    return tuple(torch.from_numpy(np.stack([np.asarray(getattr(e, n), np.float32) for e in examples])) for n in names)


def losses(net: model.Listener, batch: tuple[Tensor, ...]) -> dict[str, Tensor]:
    """Each part of the loss, weighted."""
    image, pitches, beats, inside, pulse, tempo = batch
    with torch.autocast("cpu", torch.bfloat16):
        both, span, classes = net(image, pitches)
    both, span, classes = both.float(), span.float(), classes.float()
    told = inside.reshape(inside.shape[0], -1, inside.shape[1] // span.shape[1]).mean(dim=2)
    spoken = functional.binary_cross_entropy_with_logits(span, pulse, reduction="none")
    return {
        "beat": pulse_loss(both[..., 0], beats[..., 0], inside, RIGHT[0]),
        "downbeat": pulse_loss(both[..., 1], beats[..., 1], inside, RIGHT[1]),
        "pulse": PULSE * (spoken * told).sum() / told.sum(),
        "tempo": -TEMPO * (functional.log_softmax(classes, dim=2) * tempo).sum() / tempo.sum().clamp(min=1),
    }


class Average:
    """Exponential moving average of the weights and of the statistics of the normalisation."""

    def __init__(self, net: model.Listener, decay: float = 0.998) -> None:
        self.net, self.decay, self.seen = copy.deepcopy(net).eval(), decay, 0

    def update(self, net: model.Listener) -> None:
        self.seen += 1
        decay = min(self.decay, self.seen / (self.seen + 20))
        with torch.no_grad():
            for mine, theirs in zip(self.net.state_dict().values(), net.state_dict().values(), strict=True):
                if mine.dtype.is_floating_point:
                    mine.lerp_(theirs, 1 - decay)


def train(args: argparse.Namespace) -> None:
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    net = model.Listener(args.channels, dropout=args.dropout)
    if args.resume:
        net.load_state_dict(torch.load(args.resume, weights_only=True))
    average = Average(net)
    feed = Feed(args.folder, args.batch, args.seed)
    held = [dataset.load(path) for path in sorted(args.held.glob("[0-9]*.npz"))] if args.held else []
    optimiser = torch.optim.AdamW(net.parameters(), lr=args.rate, weight_decay=0.03, betas=(0.9, 0.98),
                                  fused=True)
    began = told = judged = time.monotonic()
    step, running = 0, {"beat": 0.0, "downbeat": 0.0, "pulse": 0.0, "tempo": 0.0}
    while (spent := (time.monotonic() - began) / 60) < args.minutes:
        falling = 0.02 + 0.49 * (1 + math.cos(math.pi * spent / args.minutes))
        rate = args.rate * min(1.0, (step + 1) / 150) * falling
        for group in optimiser.param_groups:
            group["lr"] = rate
        net.train()
        parts = losses(net, feed.ready.get())
        optimiser.zero_grad()
        torch.stack(list(parts.values())).sum().backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        average.update(net)
        step += 1
        for name, value in parts.items():
            running[name] += (value.item() - running[name]) * max(0.02, 1 / step)
        if time.monotonic() - told > 20:
            told = time.monotonic()
            print(json.dumps({"minutes": round(spent, 1), "step": step, "pieces": len(feed.pool),
                              **{name: round(value, 4) for name, value in running.items()}}), flush=True)
        if time.monotonic() - judged > 60 * args.judge:
            judged = time.monotonic()
            write(average.net, args.out, held)
    write(average.net, args.out, held)


def write(net: model.Listener, path: Path, held: list[dataset.Item]) -> None:
    """Export, check numpy against torch, judge on held-out pieces."""
    torch.save(net.state_dict(), path.with_suffix(".pt"))
    model.export(net, path)
    network.load.cache_clear()
    if not held:
        return
    example = dataset.example(np.random.default_rng(0), held[0], [], vary=False)
    exact, rounded = model.difference(net, path, example.image, example.pitches)
    if exact > 1e-3:
        raise RuntimeError(f"numpy hears otherwise than torch: {exact}")
    print(json.dumps({"numpy from torch": exact, "rounded": rounded, "bytes": path.stat().st_size}), flush=True)
    print(evaluate.table(evaluate.pieces(path, held[:60]), by=("drums",)), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="features of pieces to train on (training.dataset makes them)")
    parser.add_argument("--held", type=Path, help="features of pieces to judge on")
    parser.add_argument("--out", type=Path, required=True, help="weights to write; a .pt to resume from lies beside")
    parser.add_argument("--minutes", type=float, default=40)
    parser.add_argument("--channels", type=int, default=96)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--judge", type=float, default=5.0, help="minutes between two judgements")
    parser.add_argument("--resume", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    train(parser.parse_args())


if __name__ == "__main__":
    main()
