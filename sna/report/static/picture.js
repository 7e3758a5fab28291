"use strict";
// The network as files: what is seen now as SVG or PNG, what is shown now as GEXF 1.3 (https://gexf.net/1.3/).
function networkAsSvg(graph, place, box, ink, paper) {
  const sheet = draw("svg", { xmlns: "http://www.w3.org/2000/svg", viewBox: `0 0 ${box.width} ${box.height}`, width: box.width, height: box.height });
  sheet.append(draw("rect", { width: box.width, height: box.height, fill: paper }));
  graph.forEachEdge((_, at, source, target) => {
    if (at.hidden || graph.getNodeAttribute(source, "hidden") || graph.getNodeAttribute(target, "hidden")) return;
    const a = place(source), b = place(target);
    sheet.append(draw("line", { x1: a.x.toFixed(1), y1: a.y.toFixed(1), x2: b.x.toFixed(1), y2: b.y.toFixed(1), stroke: ink, "stroke-opacity": 0.25, "stroke-width": at.size }));
  });
  const ranked = graph.filterNodes((_, at) => !at.hidden).sort((a, b) => graph.getNodeAttribute(b, "size") - graph.getNodeAttribute(a, "size"));
  const labels = ranked.slice(0, 25);
  for (const node of ranked) {
    const at = graph.getNodeAttributes(node), p = place(node);
    sheet.append(draw("circle", { cx: p.x.toFixed(1), cy: p.y.toFixed(1), r: at.size, fill: at.color }, draw("title", {}, at.label)));
  }
  for (const node of labels) {
    const at = graph.getNodeAttributes(node), p = place(node);
    sheet.append(draw("text", { x: (p.x + at.size + 3).toFixed(1), y: (p.y + 4).toFixed(1), "font-size": 12, "font-family": "sans-serif", fill: ink }, at.label));
  }
  return sheet;
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
  for (const name of columns) add(head, "attribute", { id: name, title: name, type: name === "pagerank" ? "double" : "long" });
  const nodes = add(body, "nodes", {}), edges = add(body, "edges", {});
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
  save("network.gexf", "application/xml", '<?xml version="1.0" encoding="UTF-8"?>\n' + new XMLSerializer().serializeToString(sheet));
}
