"use strict";
// Volume by step and kind as stacked bars, bursts marked; a brush, and sliders that do the same, choose the time.
function showTimeline() {
  const home = byId("timeline-plot");
  if (!steps) {
    home.append(say("timeline_empty"));
    byId("timeline-controls").hidden = true;
    return;
  }
  const width = 1000, height = 220, left = 52, bottom = 26, top = 18;
  const names = Object.keys(steps.series);
  const totals = Array.from({ length: steps.count }, (_, i) => names.reduce((sum, n) => sum + steps.series[n][i], 0));
  const peak = Math.max(1, ...totals);
  const x = (step) => left + ((width - left - 8) * step) / steps.count;
  const y = (count) => height - bottom - ((height - bottom - top) * count) / peak;
  const plot = draw("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": say("timeline_picture") });
  for (const share of [0, 0.5, 1]) {
    const count = Math.round(peak * share);
    plot.append(draw("line", { class: "axis", x1: left, x2: width - 8, y1: y(count), y2: y(count) }));
    plot.append(draw("text", { x: left - 6, y: y(count) + 4, "text-anchor": "end" }, figure(count)));
  }
  const gap = Math.min(1, (x(1) - x(0)) / 6);
  for (let i = 0; i < steps.count; i++) {
    let below = 0;
    const bar = draw("g", {}, draw("title", {}, `${when(timeOf(i))}: ${figure(totals[i])}`));
    for (const name of names) {
      const count = steps.series[name][i];
      if (!count) continue;
      bar.append(draw("rect", {
        class: name, x: x(i), width: Math.max(0.5, x(i + 1) - x(i) - gap), y: y(below + count), height: y(below) - y(below + count),
      }));
      below += count;
    }
    plot.append(bar);
  }
  for (const burst of steps.bursts) {
    const middle = (x(burst.first) + x(burst.last + 1)) / 2;
    plot.append(draw("text", { x: middle, y: 13, "text-anchor": "middle", class: "burst" },
      draw("title", {}, say("timeline_burst", burst)), "▲"));
  }
  [0, 0.25, 0.5, 0.75, 1].forEach((share, place) => {
    const anchor = place === 0 ? "start" : place === 4 ? "end" : "middle";
    const step = Math.round(share * steps.count);
    plot.append(draw("text", { x: x(step), y: height - 8, "text-anchor": anchor }, when(timeOf(step))));
  });
  const brush = draw("rect", { class: "brush", y: top, height: height - bottom - top });
  plot.append(brush);
  home.append(plot, make("p", {}, ...names.map((name) => make("span", { class: "key" },
    draw("svg", { viewBox: "0 0 14 14", "aria-hidden": "true" }, draw("rect", { class: name, width: 14, height: 14 })),
    `${say("kind_" + name)} (${figure(steps.series[name].reduce((a, b) => a + b, 0))})`))));
  if (steps.undated) home.append(make("p", { class: "small" }, say("timeline_undated", { posts: steps.undated })));

  const from = byId("from"), until = byId("until");
  from.max = until.max = until.value = steps.count - 1;
  from.addEventListener("input", () => choose(+from.value, Math.max(+from.value, chosen.until)));
  until.addEventListener("input", () => choose(Math.min(+until.value, chosen.from), +until.value));
  byId("all-time").addEventListener("click", () => choose(0, steps.count - 1));
  let start = null;
  const stepAt = (event) => {
    const box = plot.getBoundingClientRect();
    const at = ((event.clientX - box.left) / box.width) * width;
    return Math.max(0, Math.min(steps.count - 1, Math.floor(((at - left) / (width - left - 8)) * steps.count)));
  };
  plot.addEventListener("pointerdown", (event) => { start = stepAt(event); plot.setPointerCapture(event.pointerId); choose(start, start); });
  plot.addEventListener("pointermove", (event) => { if (start !== null) choose(start, stepAt(event)); });
  plot.addEventListener("pointerup", () => { start = null; });

  follow(() => {
    brush.setAttribute("x", x(chosen.from));
    brush.setAttribute("width", x(chosen.until + 1) - x(chosen.from));
    brush.style.display = isAll() ? "none" : "";
    from.value = chosen.from;
    until.value = chosen.until;
    from.setAttribute("aria-valuetext", when(timeOf(chosen.from)));
    until.setAttribute("aria-valuetext", when(timeOf(chosen.until + 1)));
    const posts = totals.slice(chosen.from, chosen.until + 1).reduce((a, b) => a + b, 0);
    byId("window").textContent = say("timeline_window", { from: when(timeOf(chosen.from)), until: when(timeOf(chosen.until + 1)), posts });
  });
}
