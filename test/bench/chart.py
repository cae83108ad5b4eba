"""The picture of a report: how many times better than the peer, on one axis.

A bar begins at 1, the peer's own figure, and goes to the right as far as we
are better, be it by more a second or by less CPU; the goal is a mark, what
the rounds differed by a thin line.  The axis is logarithmic, for twice as
good and half as good to look alike.  It has a ground of its own, so that it
can be read on a light page and a dark one.
"""

import math
import textwrap

from report import short

WIDTH, LEFT, RIGHT = 960, 352, 262      # all; names; figures
LINE, TOP, FOOT = 24, 84, 18
STYLE = """
svg { font: 12px "DejaVu Sans", Verdana, system-ui, sans-serif; }
.ground { fill: #ffffff; stroke: #d1d9e0; } text { fill: #1f2328; }
.dim { fill: #59636e; } .head { font-size: 15px; font-weight: 600; }
.end { text-anchor: end; } .middle { text-anchor: middle; }
.grid { stroke: #d1d9e0; } .one { stroke: #59636e; stroke-width: 1.5; }
.met { fill: #2da44e; } .missed { fill: #d4812a; } .none { fill: #8594a6; }
.goal { stroke: #1f2328; stroke-width: 2.5; }
.spread { stroke: #1f2328; stroke-opacity: .5; }
@media (prefers-color-scheme: dark) {
.ground { fill: #0d1117; stroke: #3d444d; } text { fill: #e6edf3; }
.dim { fill: #9198a1; } .grid { stroke: #30363d; } .one { stroke: #9198a1; }
.met { fill: #3fb950; } .missed { fill: #e09b45; }
.goal, .spread { stroke: #e6edf3; } }
"""


def escape(words):
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(
        ">", "&gt;")


def times(row):
    """How many times better: the middle, the least, the most, the goal."""
    r, goal = row["ratio"], row["goal"]
    if row["of"] == "figure":
        goal = goal / row["theirs"]["median"]
    values = [r["median"], r["least"], r["most"], goal]
    return [v if v is None or row["more"] else 1 / v for v in values]


class Axis:
    """From a ratio to a place; what is beyond an end is at it."""

    def __init__(self, values):
        self.low = math.floor(math.log2(min(values + [0.5])))
        self.high = math.ceil(math.log2(max(values + [4])))

    def x(self, ratio):
        at = (math.log2(ratio) - self.low) / (self.high - self.low)
        return round(LEFT + (WIDTH - LEFT - RIGHT) * min(max(at, 0), 1), 1)

    def ticks(self):
        return [2.0 ** i for i in range(self.low, self.high + 1)]


def text(x, y, words, kind=""):
    return '<text x="%s" y="%s"%s>%s</text>' % (
        x, y, kind and ' class="%s"' % kind, words)


def stroke(x1, y1, x2, y2, kind):
    return '<line x1="%s" y1="%s" x2="%s" y2="%s" class="%s"/>' % (
        x1, y1, x2, y2, kind)


def box(x, y, wide, high, kind, more=""):
    return '<rect x="%s" y="%s" width="%s" height="%s" class="%s"%s/>' % (
        x, y, round(max(wide, 1), 1), high, kind, more)


def line(axis, row, y):
    """A row: its name and the peer's, the bar, the figures."""
    value, a, b, goal = times(row)
    left, right = sorted((axis.x(1), axis.x(value)))
    kind = {True: "met", False: "missed", None: "none"}[row["met"]]
    out = [text(LEFT - 12, y + 16, escape(row["what"]) +
                ' <tspan class="dim">/ %s</tspan>' % escape(row["peer"]),
                "end"),
           box(left, y + 5, right - left, 14, kind)]
    if a != b:
        out.append(stroke(axis.x(a), y + 12, axis.x(b), y + 12, "spread"))
    if goal:
        out.append(stroke(axis.x(goal), y + 2, axis.x(goal), y + 22,
                          "goal"))
    figures = "%s : %s %s" % (short(row["ours"]["median"]),
                              short(row["theirs"]["median"]), row["unit"])
    out.append(text(WIDTH - RIGHT + 60, y + 16, "%.3gx" % value, "end"))
    out.append(text(WIDTH - RIGHT + 70, y + 16, escape(figures), "dim"))
    return out


def legend(rounds):
    out, x = [], 16
    for kind, words in (("met", "goal met"), ("missed", "missed"),
                        ("none", "no goal")):
        out += [box(x, 50, 14, 12, kind), text(x + 20, 61, words, "dim")]
        x += 40 + 8 * len(words)
    out.append(stroke(x + 2, 47, x + 2, 65, "goal"))
    out.append(text(x + 12, 61, "the goal", "dim"))
    out.append(stroke(x + 88, 56, x + 110, 56, "spread"))
    out.append(text(x + 118, 61, "least and most of %d rounds" % rounds,
                    "dim"))
    return out


def version(words):
    """1:1.22.1-9+deb12u4 is 1.22.1."""
    return words.rpartition(":")[2].partition("-")[0].partition("+")[0]


def draw(rows, system):
    """The SVG of all rows that have a ratio."""
    rows = [r for r in rows if r["ratio"] and r["ratio"]["least"] > 0]
    axis = Axis([v for r in rows for v in times(r)[:3]])
    foot = textwrap.wrap(system["machine"] + "; " + ", ".join(
        "%s %s" % (k, version(v)) for k, v in system.items()
        if k != "machine"), 132)
    bottom = TOP + LINE * len(rows)
    height = bottom + 34 + FOOT * len(foot)
    out = ['<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" '
           'viewBox="0 0 %d %d" role="img">' % (WIDTH, height, WIDTH,
                                                height),
           "<title>tcpkit beside its peers</title>",
           "<style>%s</style>" % STYLE,
           box(0.5, 0.5, WIDTH - 1, height - 1, "ground", ' rx="6"'),
           text(16, 26, 'tcpkit beside its peers <tspan class="dim" '
                'font-size="12" font-weight="400">so many times as much a '
                'second, or as little time, CPU or memory</tspan>', "head")]
    out += legend(max((r["rounds"] for r in rows), default=0))
    for t in axis.ticks():
        x = axis.x(t)
        out.append(stroke(x, TOP, x, bottom + 4, "one" if t == 1 else
                          "grid"))
        out.append(text(x, bottom + 18, "%g" % t if t >= 1 else "1/%g" %
                        (1 / t), "middle dim"))
    for i, row in enumerate(rows):
        out += line(axis, row, TOP + LINE * i)
    for i, words in enumerate(foot):
        out.append(text(16, bottom + 40 + FOOT * i, escape(words), "dim"))
    return "\n".join(out + ["</svg>", ""])
