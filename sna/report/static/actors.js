"use strict";
// The accounts as a table that sorts, with small bars.
const ROLES = Object.keys(data.actors.components ?? {});
const SCORES = ROLES.map((role) => role + "_score");
const COLUMNS = ["now", ...SCORES, "replies_received", "reposts_received", "in_degree", "pagerank", "core"];
const PAGE = 25;
const actorById = new Map(data.actors.rows.map((row) => [row.id, row]));

function showActors() {
  const order = { by: "speaks_score", isUp: false };
  let most = PAGE;
  byId("more-actors").addEventListener("click", () => {
    most += 4 * PAGE;
    refresh();
  });
  byId("actor-search").addEventListener("input", refresh);
  const sortBy = (name) => {
    order.isUp = order.by === name ? !order.isUp : name === "account";
    order.by = name;
    refresh();
    byId("actor-table").querySelector(`[data-sort="${name}"]`).focus();
  };

  function refresh() {
    const words = byId("actor-search").value.trim().toLowerCase();
    const isFitting = (row) => (isAll() || countIn(row.bins) > 0) && row.label.toLowerCase().includes(words);
    const rows = sorted(data.actors.rows.filter(isFitting), order);
    const peak = (name) => Math.max(1e-12, ...rows.map((row) => actorValue(row, name) ?? 0));
    const peaks = Object.fromEntries(COLUMNS.map((name) => [name, peak(name)]));
    const heads = ["account", "community", ...COLUMNS].map((name) => sortHead(name, order, sortBy));
    const body = rows.slice(0, most).map((row) => actorRow(row, peaks));
    byId("actor-table").replaceChildren(make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...body));
    byId("more-actors").hidden = most >= rows.length;
    byId("actors-told").textContent = say("actors_told", { ...data.actors.told, now: rows.length });
  }
  follow(refresh);
}

function actorValue(row, name) {
  if (name === "account") return row.label;
  return name === "now" ? countIn(row.bins) : row[name];
}

const byName = new Intl.Collator(data.lang, { numeric: true });

/** Return rows in order; what has no value comes last, equals by their ids. */
function sorted(rows, { by, isUp }) {
  const inTurn = (a, b) => (a.id < b.id ? -1 : 1);
  const value = new Map(rows.map((row) => [row, actorValue(row, by)]));
  return rows.sort((a, b) => {
    const [one, other] = [value.get(a), value.get(b)];
    if (one === null || other === null) return (one === null) - (other === null) || inTurn(a, b);
    const before = typeof one === "string" ? byName.compare(one, other) : one - other;
    return (isUp ? before : -before) || inTurn(a, b);
  });
}

function sortHead(name, order, sortBy) {
  const isBy = order.by === name;
  const words = name === "now" ? say("actors_in_window") : measureName(name);
  const mark = isBy ? (order.isUp ? " ▲" : " ▼") : "";
  const button = make("button", { type: "button", "data-sort": name, onclick: () => sortBy(name) }, words + mark);
  const direction = isBy ? (order.isUp ? "ascending" : "descending") : null;
  return make("th", { scope: "col", class: COLUMNS.includes(name) ? "number" : null, "aria-sort": direction }, button);
}

function actorRow(row, peaks) {
  const head = make("th", { scope: "row" }, nameOf(row.id, row.label), make("div", { class: "small" }, row.source));
  const cells = COLUMNS.map((name) => {
    const value = actorValue(row, name);
    const bar = make("span", { class: "bar", "aria-hidden": "true" });
    bar.style.width = `${Math.max(0, Math.min(1, (value ?? 0) / peaks[name])) * 100}%`;
    return make("td", { class: "number" }, figure(value), bar);
  });
  return make("tr", {}, head, make("td", {}, figure(row.community)), ...cells);
}
