"""Draws docs/interactions.svg from the fictional case: `python docs/draw.py CASE` after `sna demo CASE`."""

import sys
from pathlib import Path

import sna
from sna.exports.style import colours, layout, sizes
from sna.exports.text import for_html

WIDTH, HEIGHT, MARGIN = 900, 560, 24
LABELS = 14


def main() -> None:
    """Write the picture of the largest component, strongest accounts labelled."""
    network = sna.open_case(sys.argv[1]).interactions().narrowed(largest_component=True).measured()
    arrays = network.arrays()
    place = layout(arrays)
    place = place - place.min(axis=0)
    place = place / place.max(axis=0) * (WIDTH - 2 * MARGIN, HEIGHT - 2 * MARGIN) + MARGIN
    strength = network.nodes["strength"].to_numpy()
    radius, colour = sizes(strength) / 4, colours(network.nodes["community"].to_numpy())
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
        'font-size="11">',
        "<title>Interactions in the fictional case of Port-Lune</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
    ]
    for a, b, weight in zip(arrays.source, arrays.target, arrays.weight, strict=True):
        (x1, y1), (x2, y2) = place[a], place[b]
        lines.append(
            f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#8a8a8a" stroke-opacity="0.35" '
            f'stroke-width="{0.5 + 0.4 * weight:.1f}"/>'
        )
    for (x, y), r, (red, green, blue) in zip(place, radius, colour, strict=True):
        lines.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r:.1f}" fill="rgb({red},{green},{blue})" stroke="#fff"/>')
    taken: list[tuple[float, float]] = []
    for node in strength.argsort()[::-1][:LABELS]:
        x, y = place[node]
        if any(abs(x - other_x) < 110 and abs(y - other_y) < 12 for other_x, other_y in taken):
            continue
        taken.append((x, y))
        anchor = "end" if x > WIDTH - 140 else "start"
        shift = -radius[node] - 3 if anchor == "end" else radius[node] + 3
        label = for_html(network.nodes["label"][int(node)])
        at = f'x="{x + shift:.1f}" y="{y + 4:.1f}" text-anchor="{anchor}"'
        lines.append(f'<text {at} fill="#fff" stroke="#fff" stroke-width="3">{label}</text>')
        lines.append(f'<text {at} fill="#222">{label}</text>')
    (Path(__file__).parent / "interactions.svg").write_text("\n".join([*lines, "</svg>"]) + "\n", "utf-8")


if __name__ == "__main__":
    main()
