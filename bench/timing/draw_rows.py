#!/usr/bin/env python3
"""Draws src/timing/rows.csv into docs/timing-accuracy.svg, and fills the tables of docs/timing-accuracy.md.

    bench/timing/draw_rows.py NBLOCKS            writes both
    bench/timing/draw_rows.py NBLOCKS --check    are they current? (ctest docs_timing)
"""
import csv
import json
import math
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PICTURE = ROOT / "docs/timing-accuracy.svg"
PAGE = ROOT / "docs/timing-accuracy.md"
BEGIN, END = "<!-- nblocks time --rows --markdown -->\n", "<!-- end -->\n"
COLORS = {"cortex-m0": "#7f7f7f", "cortex-m0plus": "#bcbd22", "cortex-m3": "#17a2b8", "cortex-m4f": "#1f77b4",
          "cortex-m7": "#d62728", "cortex-m33": "#2ca02c", "cortex-m55": "#9467bd", "cortex-m85": "#e377c2",
          "e31": "#8c564b", "hazard3": "#ff9896", "qingke-v2": "#c49c94", "ri5cy": "#ff7f0e"}
WIDTH, TOP, LEFT, LANE, SQUARE = 890, 16, 122, 34, 400
WORST = 30  # per cent: the scale of errors ends here


class Svg:
    def __init__(self):
        self.lines = []

    def text(self, x, y, words, anchor="middle", extra=""):
        self.lines.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{extra}>{words}</text>')

    def line(self, x1, y1, x2, y2, style):
        self.lines.append(f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" class="{style}"/>')

    def dots(self, points, color, is_filled, radius=2.6):
        """Circles as one path: short dashes of no length with round ends, or rings."""
        if not points:
            return
        if is_filled:
            path = "".join(f"M{x:.1f} {y:.1f}h0" for x, y in points)
            self.lines.append(f'<path d="{path}" fill="none" stroke="{color}" stroke-opacity=".6" '
                              f'stroke-width="{2 * radius}" stroke-linecap="round"/>')
        else:
            r = radius - 0.4
            path = "".join(f"M{x - r:.1f} {y:.1f}a{r:.1f} {r:.1f} 0 1 0 {2 * r:.1f} 0a{r:.1f} {r:.1f} 0 1 0 "
                           f"{-2 * r:.1f} 0" for x, y in points)
            self.lines.append(f'<path d="{path}" fill="none" stroke="{color}" stroke-width="1"/>')

    def page(self, height):
        return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
                'font-family="sans-serif" font-size="12" fill="#222">\n'
                "<style>.axis{stroke:#222;fill:none}.grid{stroke:#ddd;fill:none}.mid{stroke:#888;fill:none}"
                "</style>\n"
                f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>\n' + "\n".join(self.lines) + "\n</svg>\n")


def read_rows():
    lines = (ROOT / "src/timing/rows.csv").read_text(encoding="utf-8").splitlines()[1:]
    rows = [row for row in csv.DictReader(lines) if row["kind"] != "microbenchmark" and not row["apart"]]
    for row in rows:
        row["published"], row["estimated"] = float(row["cycles_published"]), float(row["cycles_estimated"])
        row["error"] = 100 * (row["estimated"] / row["published"] - 1)
    return rows


def split_by_code(rows, place):
    """Points of the very instructions, of another compiler's."""
    return [[place(row) for row in rows if (row["same_code"] == "yes") == same] for same in (True, False)]


def spread(points):
    """Moves points apart that would lie on each other, up and down their lane."""
    taken, out = [], []
    for x, y in sorted(points):
        for step in range(9):
            shift = (step + 1) // 2 * (5 if step % 2 else -5)
            if abs(shift) > LANE / 2 - 5:
                continue
            if all(abs(x - a) > 4.2 or abs(y + shift - b) > 4.2 for a, b in taken[-60:]):
                break
        else:
            shift = 0
        taken.append((x, y + shift))
        out.append((x, y + shift))
    return out


def draw_errors(svg, rows, cores, top):
    right = WIDTH - 30
    x_of = lambda error: LEFT + (max(-WORST, min(WORST, error)) + WORST) / (2 * WORST) * (right - LEFT)
    names = [core["pipeline"] for core in cores
             if core["same_code"]["rows"] + core["other_compilers"]["rows"] > 0]
    bottom = top + LANE * len(names)
    for error in range(-WORST, WORST + 1, 5):
        svg.line(x_of(error), top, x_of(error), bottom, "mid" if error == 0 else "grid")
        if error % 10 == 0:
            svg.text(x_of(error), bottom + 16, f"{error:+d} %" if error else "0")
    svg.text((LEFT + right) / 2, bottom + 34, "error of estimated cycles; bars: where 9 in 10 estimates are to "
             "lie; beyond the scale: at its edge, with the figure")
    for number, name in enumerate(names):
        y = top + LANE * (number + 0.5)
        svg.line(LEFT, y + LANE / 2, right, y + LANE / 2, "grid")
        low, high = next(core["interval"] for core in cores if core["pipeline"] == name)
        # Published / estimated within [low, high]: the error lies between the inverses.
        a, b = x_of(100 * (1 / high - 1)), x_of(100 * (1 / low - 1))
        svg.lines.append(f'<rect x="{a:.1f}" y="{y - LANE / 2 + 2:.1f}" width="{b - a:.1f}" height="{LANE - 4}" '
                         f'fill="{COLORS[name]}" fill-opacity=".12"/>')
        own = [row for row in rows if row["pipeline"] == name]
        svg.text(LEFT - 8, y + 1, name, "end")
        svg.text(LEFT - 8, y + 13, f"{len(own)} rows", "end", ' font-size="10" fill="#666"')
        same, other = split_by_code(own, lambda row: (x_of(row["error"]), y))
        svg.dots(spread(same), COLORS[name], True)
        svg.dots(spread(other), COLORS[name], False)
        for row in (max(own, key=lambda row: row["error"]), min(own, key=lambda row: row["error"])):
            if abs(row["error"]) > WORST:
                svg.text(x_of(row["error"]) - math.copysign(6, row["error"]), y - 6, f"{row['error']:+.0f} %",
                         "end" if row["error"] > 0 else "start", ' font-size="10"')
    return bottom + 44


def draw_cycles(svg, rows, top):
    low, high = 2, 9  # powers of ten
    side = SQUARE
    x_of = lambda cycles: LEFT + (math.log10(cycles) - low) / (high - low) * side
    y_of = lambda cycles: top + side - (math.log10(cycles) - low) / (high - low) * side
    for power in range(low, high + 1):
        svg.line(x_of(10**power), top, x_of(10**power), top + side, "grid")
        svg.line(LEFT, y_of(10**power), LEFT + side, y_of(10**power), "grid")
        label = f"{10**(power % 3)} {' kMG'[power // 3]}".strip()
        svg.text(x_of(10**power), top + side + 17, label)
        svg.text(LEFT - 6, y_of(10**power) + 4, label, "end")
    svg.line(LEFT, top + side, LEFT + side, top, "mid")
    svg.text(LEFT + side / 2, top + side + 36, "published cycles")
    svg.text(0, 0, "estimated cycles", extra=f' transform="translate({LEFT - 52} {top + side / 2}) rotate(-90)"')
    for number, (name, color) in enumerate(COLORS.items()):
        own = [row for row in rows if row["pipeline"] == name]
        same, other = split_by_code(own, lambda row: (x_of(row["published"]), y_of(row["estimated"])))
        svg.dots(same, color, True)
        svg.dots(other, color, False)
    at = top + 20
    for name, color in COLORS.items():
        if any(row["pipeline"] == name for row in rows):
            svg.dots([(LEFT + side + 40, at - 4)], color, True, 4)
            svg.text(LEFT + side + 52, at, name, "start")
            at += 20
    at += 14
    svg.dots([(LEFT + side + 40, at - 4)], "#444", True)
    svg.text(LEFT + side + 52, at, "the instructions that were measured", "start")
    svg.dots([(LEFT + side + 40, at + 16)], "#444", False)
    svg.text(LEFT + side + 52, at + 20, "the same source by another compiler", "start")
    return top + side + 46


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    run = lambda *words: subprocess.run([sys.argv[1], "time", "--rows", *words], capture_output=True, text=True,
                                        check=True).stdout
    rows, cores = read_rows(), json.loads(run("--json"))["cores"]
    svg = Svg()
    bottom = draw_errors(svg, rows, cores, TOP)
    bottom = draw_cycles(svg, rows, bottom + 16)
    picture = svg.page(math.ceil(bottom))
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    page_now = before + BEGIN + run("--markdown") + END + rest.partition(END)[2]
    if "--check" not in sys.argv:
        PICTURE.write_text(picture, encoding="utf-8")
        PAGE.write_text(page_now, encoding="utf-8")
        return 0
    if page == page_now and PICTURE.exists() and PICTURE.read_text(encoding="utf-8") == picture:
        return 0
    print("docs/timing-accuracy.md or .svg is not current: bench/timing/draw_rows.py NBLOCKS")
    return 1


if __name__ == "__main__":
    sys.exit(main())
