"""The frame of the examples: arguments, the loop over steps, a line of progress, checkpoints, curves.

    python examples/vae.py                  trains, and draws vae.png
    python examples/vae.py --resume         goes on from the checkpoint of a run that was stopped or killed
    python examples/vae.py --steps 100      takes fewer steps

Ctrl-C ends the training behind the present step; what has been learned by then is written and drawn.
"""

import argparse
import signal
import sys
import time
from pathlib import Path

import tenure as tn

RECENT = 50
"""Steps whose mean is shown."""


def arguments(doc, *, steps, **numbers):
    """The arguments of an example: steps, further numbers with their defaults, files that are named after it."""
    name = Path(sys.argv[0]).stem
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    for option, default in {"steps": steps, **numbers}.items():
        parser.add_argument(
            f"--{option.replace('_', '-')}",
            type=above_zero(type(default)),
            default=default,
            help="by default %(default)s",
        )
    parser.add_argument("--seed", type=int, default=0, help="by default %(default)s")
    parser.add_argument("--out", type=writable, default=f"{name}.png", help="the picture, by default %(default)s")
    parser.add_argument("--checkpoint", type=writable, default=f"{name}.pt", help="by default %(default)s")
    parser.add_argument(
        "--save-every", type=above_zero(int), default=500, metavar="STEPS", help="by default %(default)s"
    )
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint, if there is one")
    return parser.parse_args()


def above_zero(kind):
    def number(text):
        if not (value := kind(text)) > 0:
            raise argparse.ArgumentTypeError(f"{text} is not above zero")
        return value

    return number


def writable(file):
    """The name of a file whose folder exists: better refused before the training than behind it."""
    if not Path(file).resolve().parent.is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {Path(file).parent}")
    return file


class Run:
    """A training run. A checkpoint holds its ``parts`` (model, optimizer, loader, …), its step and its history."""

    def __init__(self, args, **parts):
        self.args, self.parts = args, parts
        self.step, self.history = 0, {}
        if args.resume and Path(args.checkpoint).exists():
            found = tn.load_checkpoint(args.checkpoint, **parts)
            self.step, self.history = found["step"], found["history"]
            print(f"resumed at step {self.step}", flush=True)
        self.progress = Progress(self.step, args.steps)
        self.stopped = False

    def steps(self):
        """The numbers of the steps to take. The body of the loop ends with ``done``."""
        previous = signal.signal(signal.SIGINT, self.stop)
        try:
            while self.step < self.args.steps and not self.stopped:
                yield self.step
        finally:
            signal.signal(signal.SIGINT, previous)
        self.progress.end()
        self.save()

    def batches(self, loader):
        """A batch for each step, in as many passes over the loader as that takes."""
        for _, batch in zip(self.steps(), passes(loader), strict=False):
            yield batch

    def done(self, **numbers):
        """A step has been taken: keep and show its numbers, and write a checkpoint now and then."""
        self.step += 1
        for name, number in numbers.items():
            self.history.setdefault(name, []).append(number)
        self.progress.update(self.step, self.history)
        if self.step % self.args.save_every == 0:
            self.save()

    def save(self):
        tn.save_checkpoint(self.args.checkpoint, **self.parts, step=self.step, history=self.history)

    def stop(self, *_):
        """Ctrl-C; another one ends the process at once."""
        self.stopped = True
        signal.signal(signal.SIGINT, signal.default_int_handler)


def passes(loader):
    while True:
        yield from loader


class Progress:
    """One line that is rewritten on a terminal; elsewhere a plain line now and then."""

    def __init__(self, step, steps):
        self.live = sys.stdout.isatty()
        self.first, self.step, self.steps, self.history = step, step, steps, {}
        self.start = self.shown = time.perf_counter()

    def update(self, step, history):
        self.step, self.history = step, history
        now = time.perf_counter()
        if now - self.shown > (0.1 if self.live else 5.0):
            self.shown = now
            self.show()

    def show(self):
        seconds = time.perf_counter() - self.start
        means = "".join(f"  {name} {mean(numbers[-RECENT:]):.4g}" for name, numbers in self.history.items())
        line = f"step {self.step}/{self.steps}{means}  {(self.step - self.first) / seconds:.0f} steps/s"
        print(f"\r{line}\x1b[K" if self.live else line, end="" if self.live else "\n", flush=True)

    def end(self):
        self.show()
        print(end="\n" if self.live else "", flush=True)


def mean(numbers):
    return sum(numbers) / len(numbers)


def curve(axes, numbers, *, title, ylabel):
    """Draw a number of each step, and its mean over the last steps."""
    axes.plot(numbers, color="tab:blue", alpha=0.3, label="each step")
    smooth = [mean(numbers[max(0, k - RECENT + 1) : k + 1]) for k in range(len(numbers))]
    axes.plot(smooth, color="tab:blue", label=f"mean of the last {RECENT}")
    axes.set(title=title, xlabel="step", ylabel=ylabel)
    axes.legend()
