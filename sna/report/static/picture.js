"use strict";
// The network as files: what is seen now as SVG or PNG, what is shown now as GEXF 1.3 (https://gexf.net/1.3/).
const MOST_LABELS = 25;

/** Return the network as seen: links (with arrows where they are few), nodes by size, names where there is room. */
function networkAsSvg(graph, place, box, tint) {
  const { width, height } = box;
  const frame = { xmlns: "http://www.w3.org/2000/svg", viewBox: `0 0 ${width} ${height}`, width, height };
  const sheet = draw("svg", frame, draw("rect", { width, height, fill: tint.paper }));
  const spots = new Map();
  graph.forEachNode((node, at) => {
    if (!at.hidden) spots.set(node, { node, ...place(node), size: at.size, color: at.color, label: at.label });
  });
  graph.forEachEdge((_, at, source, target) => {
    if (!at.hidden) sheet.append(linkAsSvg(spots.get(source), spots.get(target), at, tint));
  });
  const ranked = [...spots.values()].sort((a, b) => b.size - a.size);
  for (const { node, x, y, size, color, label } of ranked) {
    const circle = { cx: x.toFixed(1), cy: y.toFixed(1), r: size.toFixed(1), fill: color, "data-node": node };
    sheet.append(draw("circle", circle, draw("title", {}, label)));
  }
  const pen = document.createElement("canvas").getContext("2d");
  pen.font = "12px sans-serif";
  const labels = ranked.slice(0, 4 * MOST_LABELS).map((one) => {
    const long = pen.measureText(one.label).width;
    const left = one.x + one.size + 3;
    return { ...one, left: left + long > width ? one.x - one.size - 3 - long : left, width: long, high: 12 };
  });
  for (const { left, y, label } of apart(labels).slice(0, MOST_LABELS)) {
    const style = {
      "font-size": 12,
      "font-family": "sans-serif",
      fill: tint.ink,
      stroke: tint.paper,
      "stroke-width": 2.5,
      "paint-order": "stroke",
    };
    sheet.append(draw("text", { x: left.toFixed(1), y: (y + 4).toFixed(1), ...style }, label));
  }
  return sheet;
}

function linkAsSvg(from, to, at, tint) {
  const [wide, high] = [to.x - from.x, to.y - from.y];
  const long = Math.hypot(wide, high) || 1;
  // It ends at the rim of the node, where an arrow's head can be seen.
  const end = { x: to.x - (wide / long) * to.size, y: to.y - (high / long) * to.size };
  const line = `M${from.x.toFixed(1)} ${from.y.toFixed(1)}L${end.x.toFixed(1)} ${end.y.toFixed(1)}`;
  const head = at.type === "arrow" && long > to.size + 6 ? headAt(end, wide / long, high / long) : "";
  return draw("path", {
    d: line + head,
    fill: "none",
    stroke: tint.ink,
    "stroke-opacity": 0.3,
    "stroke-width": at.size.toFixed(1),
  });
}

function headAt({ x, y }, wide, high) {
  const side = (turn) =>
    `${(x - 6 * wide + turn * 3 * high).toFixed(1)} ${(y - 6 * high - turn * 3 * wide).toFixed(1)}`;
  return `M${side(1)}L${x.toFixed(1)} ${y.toFixed(1)}L${side(-1)}`;
}

function saveSvg(sheet) {
  save("network.svg", "image/svg+xml", new XMLSerializer().serializeToString(sheet));
}

function savePng(sheet, box) {
  const image = new Image();
  image.onload = () => {
    const canvas = make("canvas", { width: box.width * 2, height: box.height * 2 });
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    canvas.toBlob((blob) => save("network.png", "image/png", blob));
  };
  image.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(new XMLSerializer().serializeToString(sheet));
}

function saveGexf(graph) {
  // One namespace for all, as the schema of GEXF 1.3 has it.
  const space = "http://gexf.net/1.3";
  const sheet = document.implementation.createDocument(space, "gexf");
  const add = (parent, name, attributes) => {
    const child = sheet.createElementNS(space, name);
    for (const [key, value] of Object.entries(attributes)) child.setAttribute(key, value);
    return parent.appendChild(child);
  };
  sheet.documentElement.setAttribute("version", "1.3");
  const body = add(sheet.documentElement, "graph", { defaultedgetype: "directed", mode: "static" });
  const columns = ["community", "in_degree", "out_degree", "strength", "pagerank", "core", "posts"];
  const head = add(body, "attributes", { class: "node" });
  for (const name of columns)
    add(head, "attribute", { id: name, title: name, type: name === "pagerank" ? "double" : "long" });
  const nodes = add(body, "nodes", {}),
    edges = add(body, "edges", {});
  graph.forEachNode((node, at) => {
    if (at.hidden) return;
    const one = add(nodes, "node", { id: node, label: at.label });
    const values = add(one, "attvalues", {});
    for (const name of columns) if (at.own[name] !== null) add(values, "attvalue", { for: name, value: at.own[name] });
    const [r, g, b] = [1, 3, 5].map((i) => parseInt(at.color.slice(i, i + 2), 16));
    add(one, "viz:size", { value: at.size });
    add(one, "viz:position", { x: at.x, y: at.y, z: 0 });
    add(one, "viz:color", { r, g, b });
  });
  graph.forEachEdge((edge, at, source, target) => {
    if (!at.hidden && !graph.getNodeAttribute(source, "hidden") && !graph.getNodeAttribute(target, "hidden"))
      add(edges, "edge", { id: edge, source, target, weight: at.now });
  });
  save(
    "network.gexf",
    "application/xml",
    '<?xml version="1.0" encoding="UTF-8"?>\n' + new XMLSerializer().serializeToString(sheet),
  );
}
