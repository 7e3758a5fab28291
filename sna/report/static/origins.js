"use strict";
// How links and hashtags spread: a cascade over time, and a table of who is the earliest collected.
// Each way of carrying has a shape of its own, so that colour is not needed to tell them apart.
const SHAPES = {
  own: (x, y) => `M${x - 5} ${y}a5 5 0 1 0 10 0a5 5 0 1 0 -10 0`,
  reply: (x, y) => `M${x} ${y - 6}l6 10h-12z`,
  quote: (x, y) => `M${x - 5} ${y - 5}h10v10h-10z`,
  repost: (x, y) => `M${x} ${y - 6}l6 6l-6 6l-6 -6z`,
};
const shapeOf = (how, x, y) => (SHAPES[how] ?? SHAPES.own)(x, y);

function showOrigins() {
  const select = byId("item");
  const items = data.origins;
  if (!items.length) {
    byId("cascade").append(say("origins_none"));
    byId("item-controls").hidden = true;
    return;
  }
  const words = (item) => say("page_pair", { name: say("origins_" + item.kind), value: item.item });
  select.append(...items.map((item, place) => make("option", { value: place }, words(item))));
  select.addEventListener("input", () => showCascade(items[+select.value]));
  const choose = (place) => {
    select.value = place;
    showCascade(items[place]);
    select.focus();
  };
  const names = ["item", "first", "at", "ties", "carriers", "reposts", "actors", "half"];
  const heads = names.map((name, place) => [say("origins_" + name), place > 2]);
  const rowOf = ({ item, place }) => {
    const button = make("button", { type: "button", class: "name", onclick: () => choose(place) }, item.item);
    const counts = ["ties", "carriers", "reposts", "actors"].map((name) => figure(item[name]));
    const kind = make("span", { class: "small" }, " " + say("origins_" + item.kind));
    return [[button, kind], nameOf(item.actor, item.first), when(item.at), ...counts, duration(item.seconds_to_half)];
  };
  follow(() => {
    showCascade(items[+select.value]);
    const isFitting = ({ item }) => isAll() || item.cascade.some((one) => isTimeIn(one.at));
    const fitting = items.map((item, place) => ({ item, place })).filter(isFitting);
    byId("items").replaceChildren(tableOf(heads, fitting.map(rowOf)));
  });
}

function showCascade(item) {
  const { cascade } = item;
  const [width, height, left, right, top, bottom] = [1000, 240, 46, 20, 22, 28];
  const first = cascade[0]?.at ?? 0;
  const span = Math.max(1, (cascade.at(-1)?.at ?? 1) - first);
  const x = (at) => left + ((width - left - right) * (at - first)) / span;
  const y = (place) => height - bottom - ((height - bottom - top) * place) / Math.max(1, cascade.length);
  const plot = draw("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": say("origins_picture") });
  plot.append(draw("text", { x: left, y: 12 }, say("origins_picture")));
  for (const count of roundCounts(cascade.length)) {
    plot.append(draw("line", { class: "axis", x1: left, x2: width - right, y1: y(count), y2: y(count) }));
    plot.append(draw("text", { x: left - 8, y: y(count) + 4, "text-anchor": "end" }, figure(count)));
  }
  for (const share of [0, 0.5, 1]) {
    const anchor = ["start", "middle", "end"][share * 2];
    plot.append(
      draw("text", { x: x(first + share * span), y: height - 8, "text-anchor": anchor }, when(first + share * span)),
    );
  }
  const curve = cascade.map((one, place) => `${x(one.at).toFixed(1)} ${y(place + 1).toFixed(1)}`);
  plot.append(draw("path", { class: "curve", d: `M${x(first)} ${y(0)}L${curve.join("L")}` }));
  cascade.forEach((one, place) => {
    const d = shapeOf(one.how, x(one.at), y(place + 1));
    const told = draw("title", {}, `${one.label}, ${when(one.at)}, ${say("kind_" + one.how)}`);
    plot.append(draw("path", { class: `${one.how} ${isTimeIn(one.at) ? "" : "faded"}`, d }, told));
  });
  const ways = [...new Set(cascade.map((one) => one.how))];
  const keys = ways.map((how) => keyOf(draw("path", { class: how, d: shapeOf(how, 7, 7) }), say("kind_" + how)));
  const start = make(
    "p",
    {},
    say("origins_start", { ...item, first: item.first, date: when(item.at) }),
    " ",
    linkTo(cascade[0]?.link),
  );
  const cut = { shown: cascade.length, all: item.carriers };
  const parts = [start, plot, make("p", {}, ...keys)];
  if (cut.all > cut.shown) parts.push(make("p", { class: "small" }, say("origins_cut", cut)));
  byId("cascade").replaceChildren(...parts);
}

function duration(seconds) {
  if (seconds === null) return "—";
  const units = Object.entries({ day: 86400, hour: 3600, minute: 60, second: 1 });
  const [unit, size] = units.find(([, length]) => seconds >= length) ?? units[3];
  return new Intl.NumberFormat(data.lang, { style: "unit", unit, maximumFractionDigits: 1 }).format(seconds / size);
}
