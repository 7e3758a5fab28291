"use strict";
// The content of the report, and the few ways in which everything else makes elements of it: texts stay texts.
const data = JSON.parse(document.getElementById("data").textContent);
data.actors.rows = unpacked(data.actors.rows);
data.network.nodes = unpacked(data.network.nodes);
data.posts = unpacked(data.posts);
const number = new Intl.NumberFormat(data.lang, { maximumFractionDigits: 2 });
const precise = new Intl.NumberFormat(data.lang, { maximumSignificantDigits: 3 });
// Seconds count where a step of the timeline is shorter than a minute.
const timeStyle = data.timeline && data.timeline.step < 60000 ? "medium" : "short";
const moment = new Intl.DateTimeFormat(data.lang, { dateStyle: "medium", timeStyle, timeZone: "UTC" });
const day = new Intl.DateTimeFormat(data.lang, { dateStyle: "long", timeZone: "UTC" });

const byId = (id) => document.getElementById(id);
const when = (at) => (at === null || at === undefined ? "—" : moment.format(at));
const onDay = (at) => (at === null || at === undefined ? "—" : day.format(at));
const figure = (value) => {
  if (value === null || value === undefined) return "—";
  if (typeof value !== "number") return String(value);
  return value !== 0 && Math.abs(value) < 0.1 ? precise.format(value) : number.format(value);
};
const listed = (parts) => (parts.length ? new Intl.ListFormat(data.lang).format(parts) : data.words.page_none);

/** Return the rows of a table as objects. */
function unpacked({ columns, rows }) {
  return rows.map((row) => Object.fromEntries(row.map((value, place) => [columns[place], value])));
}

/** Return a sentence of the catalogue with its {places} filled; numbers by locale. */
function say(key, values = {}) {
  return (data.words[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => figure(values[name]));
}

/** Return the name of a measure, as the catalogue has it or else as the column is called. */
const measureName = (name) => data.words["measure_" + name] ?? name.replaceAll("_", " ");

/** Return an element with text or elements in it; attributes by name, `on…` as listeners. */
function make(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

function draw(tag, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** Return a table of heads ([words, is a number]) and rows of cells, the first of which heads its row. */
function tableOf(heads, rows) {
  const kind = (place) => (heads[place][1] ? "number" : null);
  const head = heads.map(([words], place) => make("th", { scope: "col", class: kind(place) }, words));
  const cell = (content, place) => {
    const parts = Array.isArray(content) ? content : [content];
    return make(place ? "td" : "th", place ? { class: kind(place) } : { scope: "row", class: kind(place) }, ...parts);
  };
  const body = rows.map((cells) => make("tr", {}, ...cells.map(cell)));
  return make("table", {}, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...body));
}

/** Return a box that scrolls what is wide or long, from the keyboard too. */
function scrolled(label, ...children) {
  return make("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": say(label) }, ...children);
}

/** Return an account's name as a button that shows its evidence; plain text where the account is not known. */
function nameOf(id, label) {
  if (id === null || id === undefined) return label;
  return make("button", { type: "button", class: "name", onclick: () => showEvidence(id) }, label);
}

/** Return a small picture and words, for a legend. */
function keyOf(mark, words) {
  return make("span", { class: "key" }, draw("svg", { viewBox: "0 0 14 14", "aria-hidden": "true" }, mark), words);
}

/** Return a link to an original post, or null; only web addresses lead anywhere. */
function linkTo(address) {
  if (!address || !/^https?:\/\//i.test(address)) return null;
  return make("a", { href: address, rel: "noopener noreferrer nofollow", target: "_blank" }, data.words.actors_open);
}

function save(name, type, content) {
  const address = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }));
  make("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}
