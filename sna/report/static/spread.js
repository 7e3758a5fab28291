"use strict";
// How links and hashtags spread, as a cascade over time and a table; and who does the same together.
function duration(seconds) {
  if (seconds === null) return "—";
  const units = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
  const [unit, size] = units.find(([, length]) => seconds >= length) ?? units[3];
  return new Intl.NumberFormat(data.lang, { style: "unit", unit, maximumFractionDigits: 1 }).format(seconds / size);
}

function showOrigins() {
  const select = byId("item"), items = data.origins;
  if (!items.length) {
    byId("cascade").append(say("origins_none"));
    select.disabled = true;
    return;
  }
  select.append(...items.map((item, place) => make("option", { value: place }, `${say("origins_" + item.kind)}: ${item.item}`)));
  select.addEventListener("input", refresh);
  function refresh() {
    showCascade(items[+select.value]);
    const head = ["item", "first", "at", "ties", "carriers", "reposts", "actors", "half"].map((name, place) => make("th", { scope: "col", class: place > 2 ? "number" : null }, say("origins_" + name)));
    const rows = items.filter((item) => isAll() || item.cascade.some((one) => isTimeIn(one.at))).map((item) => make("tr", {},
      make("th", { scope: "row" }, item.item, " ", make("span", { class: "small" }, say("origins_" + item.kind))), make("td", {}, item.first), make("td", {}, when(item.at)),
      ...["ties", "carriers", "reposts", "actors"].map((name) => make("td", { class: "number" }, figure(item[name]))), make("td", { class: "number" }, duration(item.seconds_to_half))));
    byId("item-table").replaceChildren(make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...rows));
  }
  follow(refresh);
}

// Each way of carrying has a shape of its own, so that colour is not needed to tell them apart.
const SHAPES = {
  own: (x, y) => `M${x - 5} ${y}a5 5 0 1 0 10 0a5 5 0 1 0 -10 0`,
  reply: (x, y) => `M${x} ${y - 6}l6 10h-12z`,
  quote: (x, y) => `M${x - 5} ${y - 5}h10v10h-10z`,
  repost: (x, y) => `M${x} ${y - 6}l6 6l-6 6l-6 -6z`,
};

function showCascade(item) {
  const width = 1000, height = 240, left = 46, bottom = 28, cascade = item.cascade;
  const first = cascade[0]?.at ?? 0, span = Math.max(1, (cascade.at(-1)?.at ?? 1) - first);
  const x = (at) => left + ((width - left - 20) * (at - first)) / span;
  const y = (place) => height - bottom - ((height - bottom - 20) * place) / Math.max(1, cascade.length);
  const plot = draw("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": say("origins_picture") });
  plot.append(draw("line", { class: "axis", x1: left, x2: width - 12, y1: y(0), y2: y(0) }));
  for (const share of [0.5, 1]) plot.append(draw("text", { x: left - 8, y: y(cascade.length * share) + 4, "text-anchor": "end" }, figure(Math.round(cascade.length * share))));
  plot.append(draw("text", { x: left, y: 12 }, say("origins_picture")));
  cascade.forEach((one, place) => plot.append(draw("path", { class: one.how + (isTimeIn(one.at) ? "" : " faded"), d: (SHAPES[one.how] ?? SHAPES.own)(x(one.at), y(place + 1)) },
    draw("title", {}, `${one.label}, ${when(one.at)}, ${say("kind_" + one.how)}`))));
  plot.append(draw("text", { x: left, y: height - 8 }, when(first)), draw("text", { x: width - 12, y: height - 8, "text-anchor": "end" }, when(first + span)));
  const ways = [...new Set(cascade.map((one) => one.how))];
  const legend = make("p", {}, ...ways.map((how) => make("span", { class: "key" }, draw("svg", { viewBox: "0 0 14 14", "aria-hidden": "true" }, draw("path", { class: how, d: (SHAPES[how] ?? SHAPES.own)(7, 7) })), say("kind_" + how))));
  const cut = item.carriers > cascade.length ? make("p", { class: "small" }, say("origins_cut", { shown: cascade.length, all: item.carriers })) : null;
  byId("cascade").replaceChildren(plot, legend, ...(cut ? [cut] : []));
}

function showCoordination() {
  const { pairs, facts, told } = data.coordination;
  byId("coordination-told").textContent = say("coordination_told", {
    pairs: told.all, by: listed(facts.by.map((name) => data.words["kind_" + name] ?? name)), seconds: facts.window_seconds, least: facts.min_shared,
    significant: facts.significant_pairs, fdr: facts.fdr, tests: facts.tests, shown: told.shown,
  });
  if (!pairs.length) {
    byId("groups").append(make("p", {}, say("coordination_none")));
    return;
  }
  const names = ["group", "actor", "other", "shared", "expected", "q", "gap"];
  follow(() => {
    const isActive = (id) => isAll() || !actorById.has(id) || countIn(actorById.get(id).bins) > 0;
    const rows = pairs.filter((pair) => pair.ids.every(isActive)).map((pair) => make("tr", {},
      make("td", {}, figure(pair.group)),
      ...["actor", "other"].map((side, place) => make("td", {}, make("button", { type: "button", class: "name", onclick: () => showEvidence(pair.ids[place]) }, pair[side]))),
      make("td", { class: "number" }, figure(pair.shared)), make("td", { class: "number" }, figure(pair.expected)),
      make("td", { class: "number" }, figure(pair.q), pair.is_significant ? make("span", { class: "mark" }, say("coordination_yes")) : ""),
      make("td", { class: "number" }, figure(pair.mean_gap))));
    byId("groups").replaceChildren(...groupsOf(data.coordination.groups, pairs), make("table", {}, make("thead", {}, make("tr", {}, ...names.map((name, place) => make("th", { scope: "col", class: place > 2 ? "number" : null }, say("coordination_" + name))))), make("tbody", {}, ...rows)));
  });
}

/** Return a sentence for each group: how many pairs hold it together, and who belongs to it. */
function groupsOf(groups, pairs) {
  return groups.map((one) => {
    const members = new Set(pairs.filter((pair) => pair.group === one.group).flatMap((pair) => [pair.actor, pair.other]));
    return make("p", {}, say("coordination_members", { ...one, list: listed([...members].sort()) }));
  });
}
