"use strict";
// Where posts were made, on outlines of countries (TopoJSON: https://github.com/topojson/topojson-specification).
function outlinePath(atlas) {
  const { scale, translate } = atlas.transform;
  const arcs = atlas.arcs.map((arc) => {
    let x = 0, y = 0;
    return arc.map(([dx, dy]) => [(x += dx) * scale[0] + translate[0], -((y += dy) * scale[1] + translate[1])]);
  });
  const ring = (indices) => indices.flatMap((i) => (i < 0 ? [...arcs[~i]].reverse() : arcs[i]));
  const rings = atlas.objects.countries.geometries.flatMap((shape) => (shape.type === "Polygon" ? shape.arcs : shape.type === "MultiPolygon" ? shape.arcs.flat() : []));
  return rings.map((one) => "M" + ring(one).map(([x, y]) => `${x.toFixed(2)} ${y.toFixed(2)}`).join("L") + "Z").join("");
}

/** Return a bar of a round number of kilometres, up to a quarter of the width, with its length. */
function scaleBar(middle, x, width, high) {
  const most = (width / 4) * 111.32, size = 10 ** Math.floor(Math.log10(most));
  const km = [5, 2, 1].map((by) => by * size).find((one) => one <= most), long = km / 111.32;
  const left = x(middle[0]) - width / 2 + width / 40, low = -middle[1] + high / 2 - width / 40;
  const words = new Intl.NumberFormat(data.lang, { style: "unit", unit: km < 1 ? "meter" : "kilometer" }).format(km < 1 ? km * 1000 : km);
  const text = draw("text", { x: left, y: low - width / 150 }, words);
  text.style.fontSize = `${width / 70}px`;
  return [draw("rect", { class: "bar", x: left, y: low, width: long, height: width / 400 }), text];
}

/** Return lines of longitude and latitude at round degrees, some four across, with their figures at the edge. */
function graticule(middle, squeeze, width) {
  const size = 10 ** Math.floor(Math.log10(width / 4)), step = [1, 2, 5, 10].map((by) => by * size).find((one) => width / one <= 5);
  const digits = Math.max(0, -Math.floor(Math.log10(step)));
  const words = new Intl.NumberFormat(data.lang, { maximumFractionDigits: digits });
  const left = middle[0] * squeeze - width / 2, top = -middle[1] - width / 4;
  const parts = [];
  const add = (x1, y1, x2, y2, degrees, x, y) => {
    const text = draw("text", { x, y }, `${words.format(degrees)}°`);
    text.style.fontSize = `${width / 85}px`;
    parts.push(draw("line", { class: "axis", x1, y1, x2, y2, "vector-effect": "non-scaling-stroke" }), text);
  };
  for (let n = Math.ceil(left / squeeze / step); n * step * squeeze < left + width; n++)
    add(n * step * squeeze, top, n * step * squeeze, top + width / 2, n * step, n * step * squeeze + width / 300, top + width / 70);
  for (let n = Math.ceil(-(top + width / 2) / step); n * step < -top; n++)
    add(left, -n * step, left + width, -n * step, n * step, left + width / 300, -n * step - width / 300);
  return parts;
}

function showPlaces() {
  const { spots, told, posts } = data.places;
  if (!spots.length) {
    byId("places-told").textContent = say("places_none");
    byId("map").hidden = true;
    return;
  }
  const lons = spots.map((spot) => spot.lon), lats = spots.map((spot) => spot.lat);
  const middle = [(Math.min(...lons) + Math.max(...lons)) / 2, (Math.min(...lats) + Math.max(...lats)) / 2];
  // An equirectangular projection, true to scale at the middle of what is shown.
  const squeeze = Math.max(0.1, Math.cos((middle[1] * Math.PI) / 180));
  const width = Math.max((Math.max(...lons) - Math.min(...lons)) * 1.3 * squeeze, (Math.max(...lats) - Math.min(...lats)) * 2.6, 0.02), high = width / 2;
  const x = (lon) => lon * squeeze;
  const plot = draw("svg", { viewBox: `${x(middle[0]) - width / 2} ${-middle[1] - high / 2} ${width} ${high}`, role: "img", "aria-label": say("places_picture") });
  plot.append(draw("path", { class: "land", d: outlinePath(data.outlines), transform: `scale(${squeeze} 1)` }));
  plot.append(...graticule(middle, squeeze, width), ...scaleBar(middle, x, width, high));
  const circles = spots.map((spot) => plot.appendChild(draw("circle", { class: "spot", cx: x(spot.lon), cy: -spot.lat }, draw("title", {}, ""))));
  const list = make("ul");
  const listHead = make("h3", {}, say("places_list"));
  byId("map").append(plot, listHead, list);
  follow(() => {
    const counts = spots.map((spot) => countIn(spot.bins));
    const peak = Math.max(20, ...counts);
    circles.forEach((circle, place) => {
      circle.setAttribute("r", counts[place] ? (width / 300) * (1 + 5 * Math.sqrt(counts[place] / peak)) : 0);
      circle.firstChild.textContent = `${spots[place].lat}, ${spots[place].lon}: ${figure(counts[place])}`;
    });
    const busiest = counts.map((count, place) => [count, place]).filter(([count]) => count > 1).sort((a, b) => b[0] - a[0] || a[1] - b[1]).slice(0, 5);
    list.replaceChildren(...busiest.map(([count, place]) => make("li", {}, `${spots[place].lat}, ${spots[place].lon}: ${figure(count)}`)));
    listHead.hidden = !busiest.length;
    byId("places-told").textContent = say("places_told", { posts, ...told, now: counts.reduce((a, b) => a + b, 0) });
  });
}
