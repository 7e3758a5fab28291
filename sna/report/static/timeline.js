"use strict";
// Volume by step and kind as stacked bars, bursts marked; a brush, and sliders that do the same, choose the time.
const FRAME = { width: 1000, height: 220, left: 52, right: 8, bottom: 26, top: 18 };
// Lines over the colours, so that the kinds are told apart without them; the first kinds are the commonest.
const HATCHES = {
  reply: "M0 6L6 0",
  repost: "M0 0L6 6",
  quote: "M3 2.5V3.5",
  report: "M0 3H6",
  mention: "M3 0V6",
  other: "M0 3H6M3 0V6",
};

function showTimeline() {
  const home = byId("timeline-plot");
  if (!steps) {
    home.append(say("timeline_empty"));
    byId("timeline-controls").hidden = true;
    return;
  }
  const names = Object.keys(steps.series);
  const totals = Array.from({ length: steps.count }, (_, i) => names.reduce((sum, n) => sum + steps.series[n][i], 0));
  const { width, height, left, right, top, bottom } = FRAME;
  const x = (step) => left + ((width - left - right) * step) / steps.count;
  const peak = Math.max(1, ...totals);
  const y = (count) => height - bottom - ((height - bottom - top) * count) / peak;
  const plot = draw("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": say("timeline_picture") });
  plot.append(hatches(names), ...axes(x, y, peak), ...bars(names, totals, x, y), ...burstMarks(x));
  const brush = draw("rect", { class: "brush", y: top, height: height - bottom - top });
  plot.append(brush);
  home.append(plot, timelineLegend(names), timelineTable(names, totals));
  if (steps.undated) home.append(make("p", { class: "small" }, say("timeline_undated", { posts: steps.undated })));
  letChoose(plot);

  follow(() => {
    brush.setAttribute("x", x(chosen.from));
    brush.setAttribute("width", x(chosen.until + 1) - x(chosen.from));
    brush.style.display = isAll() ? "none" : "";
    const [from, until] = [when(timeOf(chosen.from)), when(timeOf(chosen.until + 1))];
    const [first, last] = [byId("from"), byId("until")];
    first.value = chosen.from;
    last.value = chosen.until;
    first.setAttribute("aria-valuetext", from);
    last.setAttribute("aria-valuetext", until);
    const posts = totals.slice(chosen.from, chosen.until + 1).reduce((a, b) => a + b, 0);
    byId("window").textContent = say("timeline_window", { from, until, posts });
  });
}

function hatches(names) {
  const lines = (name) => [
    draw("rect", { class: name, width: 6, height: 6 }),
    draw("path", { class: "hatch", d: HATCHES[name] ?? "" }),
  ];
  const size = { width: 6, height: 6, patternUnits: "userSpaceOnUse" };
  return draw("defs", {}, ...names.map((name) => draw("pattern", { id: `hatch-${name}`, ...size }, ...lines(name))));
}

const hatched = (name) => `url(#hatch-${name})`;

function axes(x, y, peak) {
  const { width, height, left, right } = FRAME;
  const counts = roundCounts(peak);
  const lines = counts.flatMap((count) => [
    draw("line", { class: "axis", x1: left, x2: width - right, y1: y(count), y2: y(count) }),
    draw("text", { x: left - 6, y: y(count) + 4, "text-anchor": "end" }, figure(count)),
  ]);
  const ticks = [...new Set([0, 0.25, 0.5, 0.75, 1].map((share) => Math.round(share * steps.count)))];
  const times = ticks.map((step) => {
    const anchor = step === 0 ? "start" : step === steps.count ? "end" : "middle";
    return draw("text", { x: x(step), y: height - 8, "text-anchor": anchor }, when(timeOf(step)));
  });
  return [...lines, ...times];
}

/** Return up to six round numbers from 0 on, none above the peak. */
function roundCounts(peak) {
  const size = 10 ** Math.floor(Math.log10(Math.max(1, peak / 4)));
  const step = [1, 2, 5, 10].map((by) => by * size).find((one) => peak / one <= 5);
  return Array.from({ length: Math.floor(peak / step) + 1 }, (_, i) => i * step);
}

function bars(names, totals, x, y) {
  const gap = Math.min(1, (x(1) - x(0)) / 6);
  return totals.map((total, i) => {
    const present = names.filter((name) => steps.series[name][i]);
    const parts = present.map((name) => `${say("kind_" + name)} ${figure(steps.series[name][i])}`);
    const bar = draw("g", {}, draw("title", {}, `${when(timeOf(i))}: ${figure(total)} (${parts.join(", ")})`));
    let below = 0;
    for (const name of present) {
      const above = below + steps.series[name][i];
      const box = { x: x(i), width: Math.max(0.5, x(i + 1) - x(i) - gap), y: y(above), height: y(below) - y(above) };
      bar.append(draw("rect", { "data-kind": name, fill: hatched(name), ...box }));
      below = above;
    }
    return bar;
  });
}

function burstMarks(x) {
  return steps.bursts.map((burst) => {
    const middle = (x(burst.first) + x(burst.last + 1)) / 2;
    const place = { x: middle, y: 13, "text-anchor": "middle", class: "burst" };
    return draw("text", place, draw("title", {}, say("timeline_burst", burst)), "▼");
  });
}

function timelineLegend(names) {
  const sum = (name) => steps.series[name].reduce((a, b) => a + b, 0);
  const keys = names.map((name) =>
    keyOf(
      draw("rect", { fill: hatched(name), width: 14, height: 14 }),
      `${say("kind_" + name)} (${figure(sum(name))})`,
    ),
  );
  return make("p", {}, ...keys);
}

function timelineTable(names, totals) {
  const heads = [[say("timeline_head_from")], [say("timeline_head_all"), true]];
  const isBurst = (i) => steps.bursts.some((burst) => burst.first <= i && i <= burst.last);
  const rows = totals.map((total, i) => [
    when(timeOf(i)) + (isBurst(i) ? " ▼" : ""),
    figure(total),
    ...names.map((name) => figure(steps.series[name][i])),
  ]);
  const table = tableOf([...heads, ...names.map((name) => [say("kind_" + name), true])], rows);
  return make("details", {}, make("summary", {}, say("timeline_table")), scrolled("timeline_table", table));
}

/** Let the brush and the two sliders choose the time. */
function letChoose(plot) {
  const [from, until] = [byId("from"), byId("until")];
  from.max = until.max = until.value = steps.count - 1;
  from.addEventListener("input", () => choose(+from.value, Math.max(+from.value, chosen.until)));
  until.addEventListener("input", () => choose(Math.min(+until.value, chosen.from), +until.value));
  byId("all-time").addEventListener("click", () => choose(0, steps.count - 1));
  const { width, left, right } = FRAME;
  const stepAt = (event) => {
    const box = plot.getBoundingClientRect();
    const at = ((event.clientX - box.left) / box.width) * width;
    return Math.max(0, Math.min(steps.count - 1, Math.floor(((at - left) / (width - left - right)) * steps.count)));
  };
  let [start, frame] = [null, 0];
  plot.addEventListener("pointerdown", (event) => {
    start = stepAt(event);
    plot.setPointerCapture(event.pointerId);
    choose(start, start);
  });
  // A pointer moves more often than the panels can be drawn: once a frame is enough.
  plot.addEventListener("pointermove", (event) => {
    if (start === null) return;
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(() => choose(start, stepAt(event)));
  });
  const end = (event) => {
    cancelAnimationFrame(frame);
    if (start !== null && event.type === "pointerup") choose(start, stepAt(event));
    start = null;
  };
  plot.addEventListener("pointerup", end);
  plot.addEventListener("pointercancel", end);
}
