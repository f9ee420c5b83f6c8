"""The table of variants: per dress, how many of the bugs are reported on a marked line, and the alarms on twins."""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from pathlib import Path

from tests.check.variants import reports, variants
from tests.check.variants.behaviour import DIFFERING, compare, differing, key
from tests.check.variants.programs import pairs


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.check.variants")
    parser.add_argument("--group", help="only hazards, families or pages")
    parser.add_argument("--dress", help="only this dress")
    parser.add_argument("--name", default="", help="only programs whose name has this part")
    parser.add_argument("--missed", action="store_true", help="list what is missed, and the false alarms")
    parser.add_argument("--show", action="store_true", help="print the programs that are listed")
    parser.add_argument("--run", action="store_true", help="run them, and list those that behave otherwise (minutes)")
    chosen = parser.parse_args()
    if chosen.run:
        rows = [f"{key(v)}\t{before} became {after}" for v, before, after in compare()]
        DIFFERING.write_text("\n".join(["# written by --run", *rows, ""]), encoding="utf-8")
    excluded = differing()
    total, caught, twins, alarms = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    for pair in pairs():
        if chosen.group not in (None, pair.group) or chosen.name not in pair.name:
            continue
        with tempfile.TemporaryDirectory() as name:
            for variant in variants(pair, Path(name)):
                if chosen.dress not in (None, variant.dress) or key(variant) in excluded:
                    continue
                with tempfile.TemporaryDirectory() as folder:
                    found = reports(variant, Path(folder))
                if variant.wrong:
                    total[variant.dress] += 1
                    good = bool({one[:2] for one in found} & variant.marks)
                    caught[variant.dress] += good
                else:
                    twins[variant.dress] += 1
                    good = not found
                    alarms[variant.dress] += not good
                if not good and chosen.missed:
                    print(f"{'missed' if variant.wrong else 'alarm'}: {variant.dress}: {variant.name} {sorted(found)}")
                    if chosen.show:
                        print(*(f"--- {path}\n{text}" for path, text in variant.files.items()), sep="\n")
    print(f"{'dress':<18}{'caught':>8}{'of':>6}{'':>7}{'alarms':>8}{'twins':>7}")
    for kind in [*total, "all"]:
        own = [kind] if kind != "all" else list(total)
        a, b = sum(caught[k] for k in own), sum(total[k] for k in own)
        print(f"{kind:<18}{a:>8}{b:>6}{a / b:>7.0%}{sum(alarms[k] for k in own):>8}{sum(twins[k] for k in own):>7}")


if __name__ == "__main__":
    main()
