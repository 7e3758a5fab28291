"use strict";
// Where posts were made, on outlines of countries (TopoJSON: https://github.com/topojson/topojson-specification).
const MAP = { width: 1000, height: 500 };
// The outlines are drawn for the whole world (1 to 110 million): on a map narrower than so many degrees they would
// mislead, and only a small map beside it tells where it lies.
const FINEST = 4;
const LOCATOR = { width: 180, height: 130, degrees: 50 };
const LEAST_WIDTH = 0.02;
const KM_PER_DEGREE = 111.32;

function showPlaces() {
  const { spots, told, posts } = data.places;
  if (!spots.length) {
    byId("places-told").textContent = say("places_none");
    byId("map").hidden = true;
    return;
  }
  const view = viewAround(spots);
  const { width, height } = MAP;
  const plot = draw("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": say("places_picture") });
  const isCoarse = view.degrees < FINEST;
  if (!isCoarse) plot.append(outlines(view));
  plot.append(...graticule(view), ...scaleBar(view));
  const circles = spots.map((spot) => {
    const [cx, cy] = view.at(spot.lon, spot.lat);
    return plot.appendChild(draw("circle", { class: "spot", cx, cy }, draw("title", {}, "")));
  });
  if (isCoarse) plot.append(locator(view));
  const list = make("ul");
  const listHead = make("h3", {}, say("places_list"));
  byId("map").append(plot, make("p", { class: "small" }, say("places_outlines")), listHead, list);

  follow(() => {
    const counts = spots.map((spot) => countIn(spot.bins));
    const peak = Math.max(20, ...counts);
    const words = spots.map(({ lat, lon }, place) => `${lat}, ${lon}: ${figure(counts[place])}`);
    circles.forEach((circle, place) => {
      circle.setAttribute("r", counts[place] ? 3.5 + 16 * Math.sqrt(counts[place] / peak) : 0);
      circle.firstChild.textContent = words[place];
    });
    const busiest = counts.map((count, place) => [count, place]).filter(([count]) => count > 1);
    busiest.sort((a, b) => b[0] - a[0] || a[1] - b[1]);
    list.replaceChildren(...busiest.slice(0, 5).map(([, place]) => make("li", {}, words[place])));
    listHead.hidden = !busiest.length;
    byId("places-told").textContent = say("places_told", { posts, ...told, now: counts.reduce((a, b) => a + b, 0) });
  });
}

/** Return an equirectangular view that holds all spots, true to scale at its middle: `at` projects, to pixels. */
function viewAround(spots) {
  const range = (values) => [Math.min(...values), Math.max(...values)];
  const [west, east] = range(spots.map((spot) => spot.lon));
  const [south, north] = range(spots.map((spot) => spot.lat));
  const squeeze = Math.max(0.1, Math.cos((((south + north) / 2) * Math.PI) / 180));
  const degrees = Math.max((east - west) * squeeze, (north - south) * 2, LEAST_WIDTH) * 1.3;
  return viewOn((west + east) / 2, (south + north) / 2, degrees, squeeze, MAP);
}

function viewOn(lon, lat, degrees, squeeze, { width, height }) {
  const scale = width / degrees;
  const at = (x, y) => [width / 2 + (x - lon) * squeeze * scale, height / 2 - (y - lat) * scale];
  return { lon, lat, degrees, squeeze, scale, width, height, at };
}

function outlines({ at, squeeze, scale }) {
  const [x, y] = at(0, 0);
  const move = `matrix(${squeeze * scale} 0 0 ${scale} ${x} ${y})`;
  return draw("path", { class: "land", d: outlinePath(data.outlines), transform: move });
}

function outlinePath(atlas) {
  const { scale, translate } = atlas.transform;
  const arcs = atlas.arcs.map((arc) => {
    let [x, y] = [0, 0];
    return arc.map(([dx, dy]) => [(x += dx) * scale[0] + translate[0], -((y += dy) * scale[1] + translate[1])]);
  });
  const ring = (indices) => indices.flatMap((i) => (i < 0 ? [...arcs[~i]].reverse() : arcs[i]));
  const rings = atlas.objects.countries.geometries.flatMap(({ type, arcs: own }) => {
    if (type === "Polygon") return own;
    return type === "MultiPolygon" ? own.flat() : [];
  });
  const line = (points) => points.map(([x, y]) => `${x.toFixed(2)} ${y.toFixed(2)}`).join("L");
  return rings.map((one) => `M${line(unbroken(ring(one)))}Z`).join("");
}

/** Return a ring that goes on beyond 180° where it would jump to the other end of the map. */
function unbroken(points) {
  let turn = 0;
  const walked = points.map(([x, y], place) => {
    const step = place ? x - points[place - 1][0] : 0;
    if (Math.abs(step) > 180) turn -= 360 * Math.sign(step);
    return [x + turn, y];
  });
  // One that goes around a pole does not come back to where it began: its edge is that of the map.
  return turn ? points : walked;
}

/** Return a small map of the wider surroundings, with a mark where the large one lies. */
function locator(view) {
  const { width, height, degrees } = LOCATOR;
  const small = viewOn(view.lon, view.lat, degrees, view.squeeze, LOCATOR);
  const place = { x: MAP.width - width - 12, y: MAP.height - height - 12, width, height, class: "locator" };
  const [x, y] = [width / 2, height / 2];
  const mark = draw("path", { class: "mark-here", d: `M${x - 12} ${y}h24M${x} ${y - 12}v24` });
  const frame = draw("rect", { class: "frame", width, height });
  return draw("svg", place, draw("rect", { class: "sea", width, height }), outlines(small), mark, frame);
}

/** Return a bar of a round number of kilometres, up to a quarter of the width, with its length. */
function scaleBar({ degrees, scale }) {
  const most = (degrees / 4) * KM_PER_DEGREE;
  const size = 10 ** Math.floor(Math.log10(most));
  const km = [5, 2, 1].map((by) => by * size).find((one) => one <= most);
  const [length, unit] = km < 1 ? [km * 1000, "meter"] : [km, "kilometer"];
  const words = new Intl.NumberFormat(data.lang, { style: "unit", unit }).format(length);
  const [x, y] = [20, MAP.height - 20];
  const bar = draw("rect", { class: "bar", x, y, width: (km / KM_PER_DEGREE) * scale, height: 3 });
  return [bar, draw("text", { x, y: y - 6 }, words)];
}

/** Return lines of longitude and latitude at round degrees, some four across, with their figures at the edge. */
function graticule({ lon, lat, degrees, squeeze, at }) {
  const step = roundStep(degrees);
  const digits = Math.max(0, -Math.floor(Math.log10(step)));
  const words = new Intl.NumberFormat(data.lang, { minimumFractionDigits: digits, maximumFractionDigits: digits });
  const { width, height } = MAP;
  const line = (x1, y1, x2, y2) => draw("line", { class: "axis", x1, y1, x2, y2 });
  const name = (value, x, y) => draw("text", { class: "small-text", x, y }, `${words.format(value)}°`);
  const around = (middle, half, most) => {
    const first = Math.ceil(Math.max(middle - half, -most) / step);
    const count = Math.max(0, Math.floor(Math.min(middle + half, most) / step) - first + 1);
    return Array.from({ length: count }, (_, i) => (first + i) * step);
  };
  const meridians = around(lon, degrees / squeeze / 2, 180).flatMap((value) => {
    const [x] = at(value, lat);
    return [line(x, 0, x, height), name(value, x + 4, 14)];
  });
  const parallels = around(lat, (degrees * height) / width / 2, 90).flatMap((value) => {
    const [, y] = at(lon, value);
    return [line(0, y, width, y), name(value, 4, y - 4)];
  });
  return [...meridians, ...parallels];
}

function roundStep(degrees) {
  if (degrees > 50) return degrees > 150 ? 60 : 30;
  const size = 10 ** Math.floor(Math.log10(degrees / 4));
  return [1, 2, 5, 10].map((by) => by * size).find((one) => degrees / one <= 5);
}
