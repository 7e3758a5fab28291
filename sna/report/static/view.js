"use strict";
// How the network is drawn: by sigma where the browser has WebGL, else as SVG. Both answer to the same few calls.
function viewOf(graph, spot, tint, told) {
  const home = byId("graph");
  // The page starts sigma only where there is WebGL.
  const hasSigma = typeof Sigma !== "undefined";
  return hasSigma ? sigmaView(graph, spot, tint, told, home) : plainView(graph, spot, tint, told, home);
}

function sigmaView(graph, spot, tint, told, home) {
  const isFar = (node) => spot.hovered !== null && node !== spot.hovered && !spot.near.has(node);
  const labels = [];
  const sigma = new Sigma(graph, home, {
    labelColor: { color: tint.ink },
    labelRenderedSizeThreshold: 6,
    labelDensity: 1.5,
    labelGridCellSize: 110,
    stagePadding: 40,
    zIndex: true,
    allowInvalidContainer: true,
    defaultDrawNodeLabel: (context, node, settings) => labels.push({ context, node, settings }),
    defaultDrawNodeHover: (context, node, settings) => drawHovered(context, node, settings, tint),
    nodeReducer: (node, at) => {
      if (isFar(node)) return { ...at, color: tint.far, label: "", zIndex: 0 };
      const isNear = node === spot.hovered || spot.near.has(node);
      return { ...at, zIndex: 1, highlighted: node === spot.hovered, forceLabel: isNear };
    },
    edgeReducer: (edge, at) => {
      if (spot.hovered === null) return { ...at, color: tint.line };
      if (!graph.hasExtremity(edge, spot.hovered)) return { ...at, hidden: true };
      return { ...at, type: "arrow", color: tint.ink + "cc" };
    },
  });
  sigma.on("beforeRender", () => (labels.length = 0));
  sigma.on("afterRender", () => drawLabels(labels, tint));
  sigma.on("enterNode", ({ node }) => told.hover(node));
  sigma.on("leaveNode", () => told.hover(null));
  sigma.on("clickNode", ({ node }) => told.click(node));
  const camera = sigma.getCamera();
  return {
    // Sigma hears of changes of the graph by itself, and draws them with the next frame.
    changed: () => {},
    pointed: () => sigma.refresh(),
    goTo: (node) => {
      const { x, y } = sigma.getNodeDisplayData(node);
      camera.animate({ x, y, ratio: 0.35 }, { duration: 200 });
    },
    zoom: (by) => {
      if (by === null) camera.animatedReset({ duration: 200 });
      else camera.animate({ ratio: camera.ratio * by }, { duration: 150 });
    },
    place: (node) => sigma.graphToViewport(graph.getNodeAttributes(node)),
    box: () => ({ width: home.clientWidth, height: home.clientHeight }),
  };
}

/** Return the labels, given by their importance, that no label before them stands in the way of. */
function apart(labels) {
  const kept = [];
  for (const one of labels) {
    const isTaken = (other) =>
      one.left < other.left + other.width && other.left < one.left + one.width && Math.abs(one.y - other.y) < one.high;
    if (!kept.some(isTaken)) kept.push(one);
  }
  return kept;
}

function drawLabels(labels, tint) {
  const placed = labels
    .filter(({ node }) => node.label)
    .sort((a, b) => b.node.size - a.node.size)
    .map(({ context, node, settings }) => {
      context.font = `${settings.labelWeight} ${settings.labelSize}px ${settings.labelFont}`;
      const width = context.measureText(node.label).width;
      return { context, label: node.label, left: node.x + node.size + 3, y: node.y, width, high: settings.labelSize };
    });
  for (const { context, label, left, y, high } of apart(placed)) {
    context.lineWidth = 3;
    context.strokeStyle = tint.paper;
    context.strokeText(label, left, y + high / 3);
    context.fillStyle = tint.ink;
    context.fillText(label, left, y + high / 3);
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

function plainView(graph, spot, tint, told, home) {
  const all = graph.mapNodes((_, at) => at);
  const bounds = (values) => ({
    low: Math.min(...values),
    span: Math.max(Math.max(...values) - Math.min(...values), 1),
  });
  const [wide, high] = [bounds(all.map((at) => at.x)), bounds(all.map((at) => at.y))];
  const view = { ratio: 1, x: wide.low + wide.span / 2, y: high.low + high.span / 2 };
  const whole = { ...view };
  const box = () => ({ width: home.clientWidth || 900, height: home.clientHeight || 540 });
  const place = (node) => {
    const at = graph.getNodeAttributes(node);
    const { width, height } = box();
    const scale = (Math.min(width / wide.span, height / high.span) * 0.85) / view.ratio;
    return { x: width / 2 + (at.x - view.x) * scale, y: height / 2 - (at.y - view.y) * scale };
  };
  const refresh = () => {
    const sheet = networkAsSvg(graph, place, box(), tint);
    sheet.id = "fallback";
    for (const circle of sheet.querySelectorAll("circle")) {
      const node = circle.dataset.node;
      circle.addEventListener("click", () => told.click(node));
      if (spot.hovered !== null && node !== spot.hovered && !spot.near.has(node)) circle.setAttribute("opacity", 0.15);
    }
    home.replaceChildren(sheet);
  };
  refresh();
  // Drawing anew at each move of the pointer would be slow: here a click and the search do what hovering does.
  return {
    changed: refresh,
    pointed: refresh,
    place,
    box,
    goTo: (node) => {
      const { x, y } = graph.getNodeAttributes(node);
      Object.assign(view, { ratio: 0.35, x, y });
      refresh();
    },
    zoom: (by) => {
      Object.assign(view, by === null ? whole : { ratio: view.ratio * by });
      refresh();
    },
  };
}
