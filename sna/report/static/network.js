"use strict";
// The network of accounts and its controls: filtered by time, kind, community and weight, sized and coloured by choice.
const SIZES = ["strength", "in_degree", "out_degree", "pagerank", "core", "posts"];
const NAMED = data.colours.length - 1;
// Arrows are told apart up to so many links; beyond, they are drawn for the account that is pointed at.
const MOST_ARROWS = 2000;
const isDark = matchMedia("(prefers-color-scheme: dark)").matches;
const LIGHT = { ink: "#1b1f24", paper: "#ffffff", line: "#1b1f2466", far: "#dddddd" };
const DARK = { ink: "#e8eaed", paper: "#14171b", line: "#59626d", far: "#333a42" };

function colourOf(community) {
  return data.colours[community === null ? NAMED : Math.min(community, NAMED)];
}

function communityName(number) {
  const known = data.communities.find((one) => one.community === number);
  const name = say("network_one", { number });
  return known && known.name ? say("page_pair", { name, value: known.name }) : name;
}

/** Return a colour along a scale that stands out the more from the paper, the greater the share. */
function shade(share) {
  const [low, high] = isDark
    ? [
        [40, 60, 85],
        [170, 215, 250],
      ]
    : [
        [200, 220, 240],
        [0, 60, 130],
      ];
  const mixed = low.map((value, i) => Math.round(value + (high[i] - value) * share));
  return "#" + mixed.map((value) => value.toString(16).padStart(2, "0")).join("");
}

function showNetwork() {
  const net = data.network;
  const isPart = net.told.nodes < net.told.all_nodes || net.told.edges < net.told.all_edges;
  if (!net.nodes.length) {
    byId("network-told").textContent = say("network_none");
    for (const id of ["network-controls", "network-drawn", "communities"]) byId(id).hidden = true;
    return;
  }
  byId("network-told").textContent = say(isPart ? "network_told" : "network_told_all", net.told);
  const graph = graphOf(net);
  const isOn = net.kinds.map(() => true);
  const communities = [...new Set(net.nodes.map((node) => node.community))].sort((a, b) => a - b);
  offerChoices(net, communities, isOn, refresh);

  const spot = { hovered: null, near: new Set() };
  const tint = isDark ? DARK : LIGHT;
  // Made when the first choices are carried out, so that it is drawn once only.
  let seen = null;

  function point(node) {
    spot.hovered = node;
    spot.near = new Set(
      node === null ? [] : graph.neighbors(node).filter((other) => !graph.getNodeAttribute(other, "hidden")),
    );
    byId("network-about").textContent =
      node === null ? "" : aboutNode(graph.getNodeAttribute(node, "own"), spot.near.size);
    seen.pointed();
  }
  byId("search").addEventListener("input", (event) => {
    const words = event.target.value.trim().toLowerCase();
    const found = findNode(net.nodes, words);
    point(found ? found.id : null);
    if (found) seen.goTo(found.id);
    else if (words) byId("network-about").textContent = say("network_not_found");
  });
  byId("search").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && spot.hovered) showEvidence(spot.hovered);
  });
  byId("zoom-in").addEventListener("click", () => seen.zoom(1 / 1.5));
  byId("zoom-out").addEventListener("click", () => seen.zoom(1.5));
  byId("zoom-all").addEventListener("click", () => seen.zoom(null));
  const sheet = () => networkAsSvg(graph, seen.place, seen.box(), tint);
  byId("save-svg").addEventListener("click", () => saveSvg(sheet()));
  byId("save-png").addEventListener("click", () => savePng(sheet(), seen.box()));
  byId("save-gexf").addEventListener("click", () => saveGexf(graph));
  // A canvas of WebGL comes out empty on paper, so that a drawing stands in for it there.
  addEventListener("beforeprint", () =>
    byId("graph-print").replaceChildren(networkAsSvg(graph, seen.place, seen.box(), LIGHT)),
  );
  addEventListener("afterprint", () => byId("graph-print").replaceChildren());

  function refresh() {
    const least = Math.max(1, +byId("weight").value || 1);
    const only = byId("community").value;
    const shown = filterEdges(graph, isOn, least, only);
    const size = byId("size").value;
    const colour = byId("colour").value;
    const top = (name) => Math.max(1e-12, ...net.nodes.map((node) => node[name] ?? 0));
    const peak = top(size);
    const shadePeak = colour === "community" ? 1 : top(colour);
    const crowd = Math.max(0.6, Math.min(1, Math.sqrt(100 / net.nodes.length)));
    const scale = crowd * Math.max(0.5, Math.min(1, seen ? seen.box().width / 900 : byId("graph").clientWidth / 900));
    graph.updateEachNodeAttributes((node, at) => ({
      ...at,
      hidden: !shown.nodes.has(node),
      size: scale * (3 + 12 * Math.sqrt((at.own[size] ?? 0) / peak)),
      color: colour === "community" ? colourOf(at.own.community) : shade((at.own[colour] ?? 0) / shadePeak),
    }));
    if (seen) seen.changed();
    else seen = viewOf(graph, spot, tint, { hover: point, click: showEvidence });
    byId("network-shown").textContent = say("network_shown", { nodes: shown.nodes.size, edges: shown.edges });
    showLegend(size, colour, communities, peak);
  }
  follow(refresh);
  byId("communities").append(scrolled("network_communities", communityTable()));
}

function communityTable() {
  const names = ["community", "name", "actors", "posts", "inside", "stability"];
  const heads = names.map((name) => [say("network_head_" + name), name !== "name"]);
  return tableOf(
    heads,
    data.communities.map((one) => names.map((name) => (name === "name" ? (one.name ?? "—") : figure(one[name])))),
  );
}

function graphOf(net) {
  const graph = new graphology.Graph({ type: "directed", multi: false });
  const type = net.edges.length <= MOST_ARROWS ? "arrow" : "line";
  for (const node of net.nodes)
    graph.addNode(node.id, { x: node.x, y: -node.y, label: node.label, own: node, size: 4, color: "#888888" });
  for (const [source, target, weight, acts] of net.edges) {
    const at = { type, weight, acts, now: weight, size: 1, color: "#88888855" };
    graph.addEdge(net.nodes[source].id, net.nodes[target].id, at);
  }
  return graph;
}

function offerChoices(net, communities, isOn, refresh) {
  const option = (value, words) => make("option", { value }, words);
  const boxOf = (kind, place) => {
    const turn = (event) => {
      isOn[place] = event.target.checked;
      refresh();
    };
    return make("label", {}, make("input", { type: "checkbox", checked: "", onchange: turn }), say("kind_" + kind));
  };
  byId("kinds").append(...net.kinds.map(boxOf));
  byId("community").append(
    option("", say("network_all")),
    ...communities.map((one) => option(one, communityName(one))),
  );
  const measures = SIZES.map((name) => [name, measureName(name)]);
  byId("size").append(...measures.map(([name, words]) => option(name, words)));
  byId("colour").append(
    option("community", say("network_by_community")),
    ...measures.map(([name, words]) => option(name, words)),
  );
  byId("names").append(...net.nodes.map((node) => make("option", { value: node.label })));
  for (const id of ["community", "weight", "size", "colour"]) byId(id).addEventListener("input", refresh);
}

/** Hide the edges that the choices leave out; return the nodes that stay and how many edges do. */
function filterEdges(graph, isOn, least, only) {
  const isWhole = isAll() && isOn.every(Boolean);
  // An account whose links are all beyond the drawn part stays, as long as nothing is filtered.
  const nodes = new Set(isWhole && least === 1 && only === "" ? graph.nodes() : []);
  let edges = 0;
  const update = (edge, at, source, target, from, to) => {
    const now = isWhole ? at.weight : actsIn(at.acts, isOn);
    const isOf = only === "" || String(from.own.community) === only || String(to.own.community) === only;
    const isShown = now >= least && isOf;
    if (isShown) {
      edges += 1;
      nodes.add(source);
      nodes.add(target);
    }
    return { ...at, now, hidden: !isShown, size: Math.min(4, 0.4 + Math.log2(1 + now) * 0.6) };
  };
  // Sigma takes a change of type for one that moves edges in and out of what is drawn.
  graph.updateEachEdgeAttributes(update, { attributes: ["type"] });
  return { nodes, edges };
}

/** Sum the counts of [step, kind, count, step, kind, count, …] within the choice of time and kinds. */
function actsIn(acts, isOn) {
  let now = 0;
  for (let i = 0; i < acts.length; i += 3) if (isOn[acts[i + 1]] && (isAll() || isIn(acts[i]))) now += acts[i + 2];
  return now;
}

function findNode(nodes, words) {
  if (!words) return null;
  const label = (node) => node.label.toLowerCase();
  const fitting = nodes.filter((node) => label(node).includes(words)).sort((a, b) => b.strength - a.strength);
  return fitting.find((node) => label(node) === words) ?? fitting[0] ?? null;
}

/** Return a node in words, so that neither size nor colour has to be read. */
function aboutNode(own, neighbours) {
  return say("network_about", { ...own, neighbours, community: communityName(own.community) });
}

function showLegend(size, colour, communities, peak) {
  const key = (fill, words) => keyOf(draw("circle", { cx: 7, cy: 7, r: 6, fill }), words);
  const named = communities.filter((one) => one < NAMED).map((one) => key(colourOf(one), communityName(one)));
  const others = communities.some((one) => one >= NAMED) ? [key(data.colours[NAMED], say("network_others"))] : [];
  const scale = [
    ["few", 0],
    ["many", 1],
  ].map(([end, share]) =>
    key(shade(share), say("page_pair", { name: measureName(colour), value: say("network_" + end) })),
  );
  const low = Math.min(...data.network.nodes.map((node) => node[size] ?? 0));
  const sized = say("network_legend_size", { measure: measureName(size), low, high: peak });
  byId("legend").replaceChildren(
    ...(colour === "community" ? [...named, ...others] : scale),
    make("span", { class: "key" }, sized),
  );
}
