"use strict";
// The posts behind an account's figures, and with whom it interacts most.
const NEAREST = 5;

function showEvidence(id) {
  const row = actorById.get(id);
  const node = data.network.nodes.find((one) => one.id === id);
  const explained = data.actors.explained[id];
  byId("evidence-head").textContent = say("actors_evidence", { label: row?.label ?? node?.label ?? id });
  const parts = [];
  const near = nearest(id);
  if (near.length) parts.push(make("p", {}, say("actors_neighbours", { list: listed(near) })));
  if (!explained) parts.push(make("p", { class: "note" }, say("actors_unexplained")));
  for (const role of row ? ROLES : []) {
    const score = { name: measureName(role + "_score"), value: row[role + "_score"] };
    parts.push(make("h3", {}, say("actors_says", score)));
    parts.push(...data.actors.components[role].map((name) => evidenceOf(name, row[name], explained?.[name])));
  }
  byId("evidence-body").replaceChildren(...parts);
  if (!byId("evidence").open) byId("evidence").showModal();
}

function nearest(id) {
  const weights = new Map();
  const at = data.network.nodes.findIndex((one) => one.id === id);
  for (const [source, target, weight] of data.network.edges) {
    const other = source === at ? target : target === at ? source : -1;
    if (other >= 0) weights.set(other, (weights.get(other) ?? 0) + weight);
  }
  const heaviest = [...weights].sort((a, b) => b[1] - a[1]).slice(0, NEAREST);
  return heaviest.map(([other, weight]) => `${data.network.nodes[other].label} (${figure(weight)})`);
}

function evidenceOf(name, value, behind) {
  if (!behind) return make("p", {}, say("actors_bare", { figure: measureName(name), value }));
  const said = { figure: measureName(name), value, posts: behind.posts, shown: behind.evidence.length };
  const quotes = behind.evidence.map((place) => quoteOf(data.posts[place]));
  return make("details", {}, make("summary", {}, say("actors_behind", said)), ...quotes);
}

function quoteOf(post) {
  const said = `${post.author}, ${when(post.at)}, ${say("kind_" + post.kind)} `;
  const head = make("div", { class: "small" }, said, linkTo(post.link));
  return make("blockquote", {}, head, post.text ?? say("threads_no_text"));
}
