"use strict";
// The network of accounts: drawn by sigma where there is WebGL, else as SVG; filtered by time, kind, community, weight.
const SIZES = ["strength", "in_degree", "out_degree", "pagerank", "core", "posts"];
const NAMED = data.colours.length - 1;

function colourOf(community) {
  return data.colours[community === null ? NAMED : Math.min(community, NAMED)];
}

function communityName(number) {
  const known = data.communities.find((one) => one.community === number);
  return say("network_one", { number }) + (known && known.name ? `: ${known.name}` : "");
}

/** Return a colour between two along a scale that grows darker, or lighter on dark paper. */
function shade(share) {
  const low = [200, 220, 240], high = [0, 60, 130];
  return "#" + low.map((v, i) => Math.round(v + (high[i] - v) * share).toString(16).padStart(2, "0")).join("");
}

function showNetwork() {
  const net = data.network, told = net.told;
  byId("network-told").textContent = say(told.nodes < told.all_nodes || told.edges < told.all_edges ? "network_told" : "network_told_all", told);
  if (!net.nodes.length) {
    byId("graph").textContent = say("network_none");
    return;
  }
  const graph = new graphology.Graph({ type: "directed", multi: false });
  for (const node of net.nodes) graph.addNode(node.id, { x: node.x, y: -node.y, label: node.label, own: node, size: 4, color: "#888888" });
  net.edges.forEach(([source, target, weight, acts]) =>
    graph.addEdge(net.nodes[source].id, net.nodes[target].id, { weight, acts, now: weight, size: 1, color: "#88888855" }));

  const isOn = net.kinds.map(() => true);
  net.kinds.forEach((kind, place) => byId("kinds").append(make("label", {},
    make("input", { type: "checkbox", checked: "", onchange: (event) => { isOn[place] = event.target.checked; refresh(); } }), say("kind_" + kind))));
  const options = [...new Set(net.nodes.map((node) => node.community))].sort((a, b) => a - b);
  byId("community").append(make("option", { value: "" }, say("network_all")), ...options.map((one) => make("option", { value: one }, communityName(one))));
  byId("size").append(...SIZES.map((name) => make("option", { value: name }, measureName(name))));
  byId("colour").append(make("option", { value: "community" }, say("network_by_community")), ...SIZES.map((name) => make("option", { value: name }, measureName(name))));
  byId("names").append(...net.nodes.slice(0, 2000).map((node) => make("option", { value: node.label })));
  for (const id of ["community", "weight", "size", "colour"]) byId(id).addEventListener("input", () => refresh());

  const spot = { hovered: null, near: new Set() };
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const ink = dark ? "#e8eaed" : "#1b1f24", paper = dark ? "#14171b" : "#ffffff";
  const line = dark ? "#59626d" : graph.size > 2000 ? "#1b1f2459" : "#1b1f2473";
  const seen = viewOf(graph, spot, { ink, paper, line });

  function point(node) {
    spot.hovered = node;
    spot.near = new Set(node === null ? [] : graph.neighbors(node));
    seen.refresh();
  }
  seen.onHover(point);
  seen.onClick((node) => showEvidence(node));
  byId("search").addEventListener("input", (event) => {
    const words = event.target.value.trim().toLowerCase();
    const found = words && (net.nodes.find((n) => n.label.toLowerCase() === words) ?? net.nodes.find((n) => n.label.toLowerCase().includes(words)));
    point(found ? found.id : null);
    if (found) seen.goTo(found.id);
  });
  byId("search").addEventListener("keydown", (event) => { if (event.key === "Enter" && spot.hovered) showEvidence(spot.hovered); });
  byId("zoom-in").addEventListener("click", () => seen.zoom(1 / 1.5));
  byId("zoom-out").addEventListener("click", () => seen.zoom(1.5));
  byId("zoom-all").addEventListener("click", () => seen.zoom(null));
  const sheet = () => networkAsSvg(graph, seen.place, seen.box(), ink, paper);
  byId("save-svg").addEventListener("click", () => saveSvg(sheet()));
  byId("save-png").addEventListener("click", () => savePng(sheet(), seen.box()));
  byId("save-gexf").addEventListener("click", () => saveGexf(graph));

  function refresh() {
    const least = Math.max(1, +byId("weight").value || 1), only = byId("community").value;
    const isWhole = isAll() && isOn.every(Boolean);
    // An account whose links are all beyond the drawn part stays, as long as nothing is filtered.
    const shown = new Set(isWhole && least === 1 && only === "" ? graph.nodes() : []);
    let edges = 0;
    graph.updateEachEdgeAttributes((edge, at, source, target, from, to) => {
      let now = isWhole ? at.weight : 0;
      if (!isWhole) for (let i = 0; i < at.acts.length; i += 3) if (isOn[at.acts[i + 1]] && (isAll() || isIn(at.acts[i]))) now += at.acts[i + 2];
      const fits = now >= least && (only === "" || String(from.own.community) === only || String(to.own.community) === only);
      if (fits) { edges += 1; shown.add(source); shown.add(target); }
      return { ...at, now, hidden: !fits, size: Math.min(4, 0.4 + Math.log2(1 + now) * 0.6) };
    });
    const size = byId("size").value, colour = byId("colour").value;
    const top = (name) => Math.max(1e-12, ...net.nodes.map((node) => node[name] ?? 0));
    const peak = top(size), shadePeak = colour === "community" ? 1 : top(colour);
    const scale = Math.max(0.6, Math.min(1, Math.sqrt(100 / net.nodes.length)));
    graph.updateEachNodeAttributes((node, at) => ({
      ...at,
      hidden: !shown.has(node),
      size: scale * (3 + 12 * Math.sqrt((at.own[size] ?? 0) / peak)),
      color: colour === "community" ? colourOf(at.own.community) : shade((at.own[colour] ?? 0) / shadePeak),
    }));
    seen.refresh();
    byId("network-shown").textContent = say("network_shown", { nodes: shown.size, edges });
    showLegend(size, colour, options, peak);
  }
  follow(refresh);
}

function showLegend(size, colour, options, peak) {
  const key = (fill, words) => make("span", { class: "key" }, draw("svg", { viewBox: "0 0 14 14", "aria-hidden": "true" }, draw("circle", { cx: 7, cy: 7, r: 6, fill })), words);
  const entries = colour === "community"
    ? [...options.filter((one) => one < NAMED).map((one) => key(colourOf(one), communityName(one))), ...(options.some((one) => one >= NAMED) ? [key(data.colours[NAMED], say("network_others"))] : [])]
    : [key(shade(0), `${measureName(colour)}: ${say("network_few")}`), key(shade(1), `${measureName(colour)}: ${say("network_many")}`)];
  byId("legend").replaceChildren(...entries, make("span", { class: "key" }, say("network_legend_size", { measure: measureName(size), low: 0, high: peak })));
}

/** Return what draws the graph: by WebGL, or as SVG where the browser has none. */
function viewOf(graph, spot, tint) {
  const home = byId("graph");
  const canvas = document.createElement("canvas");
  return canvas.getContext("webgl2") ? sigmaView(graph, spot, tint, home) : plainView(graph, spot, tint, home);
}

function sigmaView(graph, spot, tint, home) {
  const isFar = (node) => spot.hovered !== null && node !== spot.hovered && !spot.near.has(node);
  const labels = [];
  const sigma = new Sigma(graph, home, {
    labelColor: { color: tint.ink }, labelRenderedSizeThreshold: 6, labelDensity: 1.5, labelGridCellSize: 110, zIndex: true, allowInvalidContainer: true,
    defaultDrawNodeLabel: (context, node, settings) => labels.push({ context, node, settings }),
    defaultDrawNodeHover: (context, node, settings) => drawHovered(context, node, settings, tint),
    nodeReducer: (node, at) => (isFar(node) ? { ...at, color: tint.paper === "#ffffff" ? "#dddddd" : "#333a42", label: "", zIndex: 0 } : { ...at, zIndex: 1, highlighted: node === spot.hovered, forceLabel: node === spot.hovered || spot.near.has(node) }),
    edgeReducer: (edge, at) => (spot.hovered !== null && !graph.hasExtremity(edge, spot.hovered) ? { ...at, hidden: true } : { ...at, color: spot.hovered !== null ? tint.ink + "cc" : tint.line }),
  });
  sigma.on("beforeRender", () => { labels.length = 0; });
  sigma.on("afterRender", () => drawLabels(labels, tint));
  const camera = sigma.getCamera();
  return {
    refresh: () => sigma.refresh(),
    onHover: (told) => { sigma.on("enterNode", ({ node }) => told(node)); sigma.on("leaveNode", () => told(null)); },
    onClick: (told) => sigma.on("clickNode", ({ node }) => told(node)),
    goTo: (node) => { const at = sigma.getNodeDisplayData(node); camera.animate({ x: at.x, y: at.y, ratio: 0.35 }, { duration: 200 }); },
    zoom: (by) => (by === null ? camera.animatedReset({ duration: 200 }) : camera.animate({ ratio: camera.ratio * by }, { duration: 150 })),
    place: (node) => sigma.graphToViewport(graph.getNodeAttributes(node)),
    box: () => ({ width: home.clientWidth, height: home.clientHeight }),
  };
}

/** Write names beside their nodes, the largest nodes first, where no name before stands in the way. */
function drawLabels(labels, tint) {
  const taken = [];
  for (const { context, node, settings } of labels.sort((a, b) => b.node.size - a.node.size)) {
    if (!node.label) continue;
    context.font = `${settings.labelWeight} ${settings.labelSize}px ${settings.labelFont}`;
    const left = node.x + node.size + 3, right = left + context.measureText(node.label).width, high = settings.labelSize;
    if (taken.some((box) => left < box.right && right > box.left && Math.abs(node.y - box.y) < high)) continue;
    taken.push({ left, right, y: node.y });
    context.lineWidth = 3;
    context.strokeStyle = tint.paper;
    context.strokeText(node.label, left, node.y + high / 3);
    context.fillStyle = tint.ink;
    context.fillText(node.label, left, node.y + high / 3);
  }
}

function drawHovered(context, node, settings, tint) {
  context.font = `${settings.labelWeight} ${settings.labelSize}px ${settings.labelFont}`;
  const width = context.measureText(node.label).width + 8;
  context.fillStyle = tint.paper;
  context.strokeStyle = tint.ink;
  context.beginPath();
  context.roundRect(node.x + node.size + 1, node.y - 10, width, 20, 4);
  context.fill();
  context.stroke();
  context.beginPath();
  context.arc(node.x, node.y, node.size + 2, 0, Math.PI * 2);
  context.stroke();
  context.fillStyle = tint.ink;
  context.fillText(node.label, node.x + node.size + 5, node.y + settings.labelSize / 3);
}

function plainView(graph, spot, tint, home) {
  const all = graph.mapNodes((_, at) => at);
  const xs = all.map((at) => at.x), ys = all.map((at) => at.y);
  const low = { x: Math.min(...xs), y: Math.min(...ys) };
  const span = Math.max(Math.max(...xs) - low.x, Math.max(...ys) - low.y, 1);
  const view = { ratio: 1, x: 0.5, y: 0.5 };
  const box = () => ({ width: home.clientWidth || 900, height: home.clientHeight || 540 });
  const place = (node) => {
    const at = graph.getNodeAttributes(node), { width, height } = box();
    const side = (Math.min(width, height) * 0.9) / view.ratio;
    return { x: width / 2 + ((at.x - low.x) / span - view.x) * side, y: height / 2 - ((at.y - low.y) / span - view.y) * side };
  };
  let clicked = () => {};
  const refresh = () => {
    const sheet = networkAsSvg(graph, place, box(), tint.ink, tint.paper);
    sheet.id = "fallback";
    const shown = graph.filterNodes((_, at) => !at.hidden).sort((a, b) => graph.getNodeAttribute(b, "size") - graph.getNodeAttribute(a, "size"));
    sheet.querySelectorAll("circle").forEach((circle, i) => {
      circle.addEventListener("click", () => clicked(shown[i]));
      if (spot.hovered !== null && shown[i] !== spot.hovered && !spot.near.has(shown[i])) circle.setAttribute("opacity", 0.15);
    });
    home.replaceChildren(sheet);
  };
  return {
    refresh, place, box, onHover: () => {},
    onClick: (told) => { clicked = told; },
    goTo: (node) => { const at = graph.getNodeAttributes(node); Object.assign(view, { ratio: 0.35, x: (at.x - low.x) / span, y: (at.y - low.y) / span }); refresh(); },
    zoom: (by) => { Object.assign(view, by === null ? { ratio: 1, x: 0.5, y: 0.5 } : { ratio: view.ratio * by }); refresh(); },
  };
}
