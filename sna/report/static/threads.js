"use strict";
// A conversation as a tree: one row per post with its time on a track; long chains are folded, answers fold.
const LONG_CHAIN = 8, DEEPEST = 14;

function showThreads() {
  const { told, threads } = data.threads;
  byId("threads-told").textContent = threads.length ? say("threads_told", told) : say("threads_none");
  const select = byId("thread");
  select.disabled = !threads.length;
  select.addEventListener("input", () => showTree(threads[+select.value]));
  follow(() => {
    const before = select.value;
    const fitting = threads.map((thread, place) => ({ thread, place })).filter(({ thread }) => isAll() || thread.nodes.some((node) => isTimeIn(node.at)));
    select.replaceChildren(...fitting.map(({ thread, place }) => make("option", { value: place }, say("threads_option", { ...thread, first: when(thread.first) }))));
    if (fitting.some(({ place }) => String(place) === before)) select.value = before;
    if (fitting.length) showTree(threads[+select.value]);
    else byId("tree").replaceChildren();
  });
}

function showTree(thread) {
  const head = [make("p", { class: "note" }, say("threads_" + thread.status, { label: thread.first_poster, parent: thread.missing_parent }))];
  if (thread.fragments > 1) head.push(make("p", {}, say("threads_fragments", thread)));
  if (thread.posts > thread.nodes.length) head.push(make("p", {}, say("threads_cut", { left: thread.posts - thread.nodes.length })));
  byId("thread-head").replaceChildren(...head);
  const answers = thread.nodes.map(() => []);
  thread.nodes.forEach((node, place) => { if (node.parent !== null) answers[node.parent].push(place); });
  const closed = new Set(), folded = new Set();
  const rows = thread.nodes.map((node, place) => rowOf(thread, node, place, answers[place].length, (isOpen) => {
    if (isOpen) closed.delete(place);
    else closed.add(place);
    refresh();
  }));
  const chains = chainsOf(thread, answers).map((chain) => ({ chain, row: foldOf(rows, chain, () => { chain.forEach((place) => folded.delete(place)); refresh(); }) }));
  for (const { chain } of chains) chain.forEach((place) => folded.add(place));
  byId("tree").replaceChildren(...rows);
  for (const { chain, row } of chains) rows[chain[0]].before(row);

  function refresh() {
    const under = [];
    thread.nodes.forEach(({ parent }, place) => {
      under[place] = parent !== null && (under[parent] || closed.has(parent));
      rows[place].hidden = under[place] || folded.has(place);
    });
    for (const { chain, row } of chains) row.hidden = under[chain[0]] || !folded.has(chain[0]);
  }
  refresh();
}

function rowOf(thread, node, place, answers, onFold) {
  const span = Math.max(1, thread.last - thread.first);
  const dot = make("span", { class: "dot", title: when(node.at) });
  dot.style.left = `${node.at === null ? 0 : Math.max(0, Math.min(1, (node.at - thread.first) / span)) * 100}%`;
  dot.hidden = node.at === null;
  const marks = [];
  if (place === 0) marks.push(thread.status === "observed" ? "threads_first" : "threads_gap");
  if (node.older) marks.push("threads_older");
  const fold = make("button", { type: "button", class: "fold", "aria-expanded": "true", "aria-label": say("threads_fold"), onclick: () => {
    const isOpen = fold.getAttribute("aria-expanded") !== "true";
    fold.setAttribute("aria-expanded", String(isOpen));
    fold.textContent = isOpen ? "▾" : "▸";
    onFold(isOpen);
  } }, "▾");
  const words = make("div", { class: "words" }, answers ? fold : "", make("b", {}, node.label), ...marks.map((mark) => make("span", { class: "mark" }, say(mark))),
    make("span", { class: "small" }, ` ${when(node.at)} · ${say("kind_" + node.kind)} `, linkTo(node.link)), make("div", {}, node.text ?? say("threads_no_text")));
  words.style.paddingLeft = `${Math.min(node.depth, DEEPEST) * 1.1}rem`;
  const row = make("li", { class: isTimeIn(node.at) ? null : "faded", "data-depth": node.depth }, make("div", { class: "track", "aria-hidden": "true" }, dot), words);
  return row;
}

/** Return the stretches of posts with one answer each that are too long to read through. */
function chainsOf(thread, answers) {
  const chains = [];
  let chain = [];
  thread.nodes.forEach((node, place) => {
    const follows = node.parent === place - 1 && node.parent >= 0 && answers[node.parent].length === 1;
    if (!follows) { chains.push(chain); chain = []; }
    chain.push(place);
  });
  return [...chains, chain].filter((one) => one.length > LONG_CHAIN).map((one) => one.slice(3, -2));
}

/** Return the row that stands for a folded stretch, and opens it. */
function foldOf(rows, chain, onOpen) {
  return make("li", { "data-depth": rows[chain[0]].dataset.depth }, make("div"), make("button", { type: "button", class: "unfold", onclick: () => {
    onOpen();
    rows[chain[0]].tabIndex = -1;
    rows[chain[0]].focus();
  } }, say("threads_folded", { posts: chain.length })));
}
