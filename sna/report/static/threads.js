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
  const rows = thread.nodes.map((node, place) => rowOf(thread, node, place, answers[place].length));
  const tree = byId("tree");
  tree.replaceChildren(...rows);
  for (const chain of chainsOf(thread, answers)) foldChain(rows, chain);
}

function rowOf(thread, node, place, answers) {
  const span = Math.max(1, thread.last - thread.first);
  const dot = make("span", { class: "dot", title: when(node.at) });
  dot.style.left = `${node.at === null ? 0 : Math.max(0, Math.min(1, (node.at - thread.first) / span)) * 100}%`;
  dot.hidden = node.at === null;
  const marks = [];
  if (place === 0) marks.push(thread.status === "observed" ? "threads_first" : "threads_gap");
  if (node.older) marks.push("threads_older");
  const fold = make("button", { type: "button", class: "fold", "aria-expanded": "true", "aria-label": say("threads_fold"), onclick: (event) => foldAnswers(event.currentTarget) }, "▾");
  const words = make("div", { class: "words" }, answers ? fold : "", make("b", {}, node.label), ...marks.map((mark) => make("span", { class: "mark" }, say(mark))),
    make("span", { class: "small" }, ` ${when(node.at)} · ${say("kind_" + node.kind)} `, linkTo(node.link)), make("div", {}, node.text ?? say("threads_no_text")));
  words.style.paddingLeft = `${Math.min(node.depth, DEEPEST) * 1.1}rem`;
  const row = make("li", { class: isTimeIn(node.at) ? null : "faded", "data-depth": node.depth }, make("div", { class: "track", "aria-hidden": "true" }, dot), words);
  return row;
}

function foldAnswers(button) {
  const row = button.closest("li"), depth = +row.dataset.depth;
  const isOpen = button.getAttribute("aria-expanded") === "true";
  button.setAttribute("aria-expanded", String(!isOpen));
  button.textContent = isOpen ? "▸" : "▾";
  for (let next = row.nextElementSibling; next && +next.dataset.depth > depth; next = next.nextElementSibling) next.hidden = isOpen;
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

function foldChain(rows, chain) {
  for (const place of chain) rows[place].hidden = true;
  const open = make("li", { "data-depth": rows[chain[0]].dataset.depth }, make("div"), make("button", { type: "button", onclick: () => {
    for (const place of chain) rows[place].hidden = false;
    rows[chain[0]].tabIndex = -1;
    rows[chain[0]].focus();
    open.remove();
  } }, say("threads_folded", { posts: chain.length })));
  rows[chain[0]].before(open);
}
