"use strict";
// The accounts as a table that sorts, with small bars; a click shows the posts behind the figures.
const COLUMNS = ["now", "speaks_score", "acts_score", "organises_score", "interacts_score", "replies_received", "reposts_received", "in_degree", "pagerank", "core"];
const PAGE = 25;
const actorById = new Map(data.actors.rows.map((row) => [row.id, row]));

function showActors() {
  let sort = "speaks_score", isUp = false, shown = PAGE;
  const table = byId("actor-table");
  const columnName = (name) => (name === "now" ? say("actors_in_window") : measureName(name));
  const value = (row, name) => (name === "account" ? row.label : name === "now" ? countIn(row.bins) : row[name]);
  byId("more-actors").addEventListener("click", () => { shown += 4 * PAGE; refresh(); });

  function refresh() {
    const rows = data.actors.rows.filter((row) => isAll() || countIn(row.bins) > 0);
    const order = new Intl.Collator(data.lang, { numeric: true });
    rows.sort((a, b) => {
      const [one, other] = [value(a, sort), value(b, sort)];
      if (one === null || other === null) return (one === null) - (other === null);
      const by = typeof one === "string" ? order.compare(one, other) : one - other;
      return (isUp ? by : -by) || order.compare(a.id, b.id);
    });
    const peaks = Object.fromEntries(COLUMNS.map((name) => [name, Math.max(1e-12, ...rows.map((row) => value(row, name) ?? 0))]));
    const head = ["account", "community", ...COLUMNS].map((name) => make("th", {
      scope: "col", class: name === "account" || name === "community" ? null : "number", "aria-sort": sort === name ? (isUp ? "ascending" : "descending") : null,
    }, make("button", { type: "button", "data-sort": name, onclick: () => {
      isUp = sort === name ? !isUp : name === "account";
      sort = name;
      refresh();
      table.querySelector(`[data-sort="${name}"]`).focus();
    } }, columnName(name) + (sort === name ? (isUp ? " ▲" : " ▼") : ""))));
    const body = rows.slice(0, shown).map((row) => make("tr", {},
      make("th", { scope: "row" }, make("button", { type: "button", class: "name", onclick: () => showEvidence(row.id) }, row.label), make("div", { class: "small" }, row.source)),
      make("td", {}, figure(row.community)),
      ...COLUMNS.map((name) => barCell(value(row, name), peaks[name]))));
    table.replaceChildren(make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...body));
    byId("more-actors").hidden = shown >= rows.length;
    byId("actors-told").textContent = say("actors_told", { ...data.actors.told, now: rows.length });
  }
  follow(refresh);
}

function barCell(value, peak) {
  const bar = make("span", { class: "bar", "aria-hidden": "true" });
  bar.style.width = `${Math.max(0, Math.min(1, (value ?? 0) / peak)) * 100}%`;
  return make("td", { class: "number" }, figure(value), bar);
}

function showEvidence(id) {
  const row = actorById.get(id), explained = data.actors.explained[id];
  const node = data.network.nodes.find((one) => one.id === id);
  const label = row?.label ?? node?.label ?? id;
  byId("evidence-head").textContent = say("actors_evidence", { label });
  const parts = [];
  const near = nearest(id);
  if (near.length) parts.push(make("p", {}, say("actors_neighbours", { list: listed(near) })));
  if (!explained) parts.push(make("p", { class: "note" }, say("actors_unexplained")));
  for (const [role, names] of Object.entries(row ? data.actors.components ?? {} : {})) {
    parts.push(make("h3", {}, say("actors_says", { name: measureName(role + "_score"), value: row[role + "_score"] })));
    parts.push(...names.map((name) => evidenceOf(name, row[name], explained?.[name])));
  }
  byId("evidence-body").replaceChildren(...parts);
  byId("evidence").showModal();
}

function nearest(id) {
  const weights = new Map();
  const at = data.network.nodes.findIndex((one) => one.id === id);
  for (const [source, target, weight] of data.network.edges) {
    const other = source === at ? target : target === at ? source : -1;
    if (other >= 0) weights.set(other, (weights.get(other) ?? 0) + weight);
  }
  return [...weights].sort((a, b) => b[1] - a[1]).slice(0, 5).map(([other, weight]) => `${data.network.nodes[other].label} (${figure(weight)})`);
}

function evidenceOf(name, value, behind) {
  if (!behind) return make("p", {}, say("actors_bare", { figure: measureName(name), value }));
  const said = { figure: measureName(name), value, posts: behind.posts, shown: behind.evidence.length };
  return make("details", {}, make("summary", {}, say("actors_behind", said)), ...behind.evidence.map((post) => make("blockquote", {},
    make("div", { class: "small" }, `${post.author}, ${when(post.at)}, ${say("kind_" + post.kind)} `, linkTo(post.link)),
    post.text ?? say("threads_no_text"))));
}
