"use strict";
// A conversation as a tree: one row per post with its time on a track; long chains are folded, answers fold.
const LONG_CHAIN = 8;
const DEEPEST = 14;

function showThreads() {
  const { told } = data.threads;
  const withPosts = (thread) => ({
    ...thread,
    nodes: thread.nodes.map((node) => ({ ...data.posts[node.post], ...node })),
  });
  const threads = data.threads.threads.map(withPosts);
  byId("threads-told").textContent = threads.length ? say("threads_told", told) : say("threads_none");
  const select = byId("thread");
  for (const id of ["thread-controls", "thread-box"]) byId(id).hidden = !threads.length;
  select.addEventListener("input", () => showTree(threads[+select.value]));
  const optionOf = ({ thread, place }) =>
    make("option", { value: place }, say("threads_option", { ...thread, first: when(thread.first) }));
  follow(() => {
    const before = select.value;
    const isFitting = ({ thread }) => isAll() || thread.nodes.some((node) => isTimeIn(node.at));
    const fitting = threads.map((thread, place) => ({ thread, place })).filter(isFitting);
    select.replaceChildren(...fitting.map(optionOf));
    if (fitting.some(({ place }) => String(place) === before)) select.value = before;
    if (fitting.length) showTree(threads[+select.value]);
    else for (const id of ["tree", "tree-axis", "thread-head"]) byId(id).replaceChildren();
  });
}

function showTree(thread) {
  byId("thread-head").replaceChildren(...headOf(thread));
  byId("tree-axis").replaceChildren(axisOf(thread), make("span", {}, say("threads_post")));
  const answers = thread.nodes.map(() => []);
  thread.nodes.forEach(({ parent }, place) => parent !== null && answers[parent].push(place));
  const closed = new Set();
  const folded = new Set();
  const rows = thread.nodes.map((node, place) => {
    const onFold = (isOpen) => {
      closed[isOpen ? "delete" : "add"](place);
      refresh();
    };
    return rowOf(thread, node, place, answers[place].length ? onFold : null);
  });
  const chains = chainsOf(thread, answers).map((chain) => {
    chain.forEach((place) => folded.add(place));
    const onOpen = () => {
      chain.forEach((place) => folded.delete(place));
      refresh();
    };
    return { chain, row: foldOf(rows, chain, onOpen) };
  });
  byId("tree").replaceChildren(...(thread.missing_parent ? [missingRow(thread)] : []), ...rows);
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

function headOf(thread) {
  const start = say("threads_" + thread.status, { label: thread.first_poster, parent: thread.missing_parent });
  const head = [make("p", { class: "note" }, start)];
  if (thread.fragments > 1) head.push(make("p", {}, say("threads_fragments", thread)));
  const left = thread.posts - thread.nodes.length;
  if (left > 0) head.push(make("p", {}, say("threads_cut", { left })));
  return head;
}

/** Return the ends of the time axis that all tracks share. */
function axisOf(thread) {
  return make("span", { class: "ends" }, make("span", {}, when(thread.first)), make("span", {}, when(thread.last)));
}

/** Return the row of the post that the top answers and that was not collected. */
function missingRow(thread) {
  const words = say("threads_not_collected", { parent: thread.missing_parent });
  return make("li", { class: "missing" }, make("div"), make("div", { class: "words" }, "✕ ", words));
}

function rowOf(thread, node, place, onFold) {
  const marks = [];
  if (place === 0 && thread.status !== "cycle")
    marks.push(thread.status === "observed" ? "threads_first" : "threads_gap");
  if (node.older) marks.push("threads_older");
  const words = make(
    "div",
    { class: "words" },
    onFold && foldButton(onFold),
    make("b", {}, nameOf(node.actor, node.author)),
    ...marks.map((mark) => make("span", { class: "mark" }, say(mark))),
    make("span", { class: "small" }, ` ${when(node.at)} · ${say("kind_" + node.kind)} `, linkTo(node.link)),
    make("div", {}, node.text ?? say("threads_no_text")),
  );
  words.style.paddingLeft = `${Math.min(node.depth, DEEPEST) * 1.1}rem`;
  const state = { class: isTimeIn(node.at) ? null : "faded", "data-depth": node.depth };
  return make("li", state, trackOf(thread, node.at), words);
}

function trackOf(thread, at) {
  const dot = make("span", { class: "dot", title: when(at) });
  const share = (at - thread.first) / Math.max(1, thread.last - thread.first);
  dot.style.left = `${Math.max(0, Math.min(1, share)) * 100}%`;
  dot.hidden = at === null;
  return make("div", { class: "track", "aria-hidden": "true" }, dot);
}

function foldButton(onFold) {
  const turn = () => {
    const isOpen = fold.getAttribute("aria-expanded") !== "true";
    fold.setAttribute("aria-expanded", String(isOpen));
    fold.textContent = isOpen ? "▾" : "▸";
    onFold(isOpen);
  };
  const state = { type: "button", class: "fold", "aria-expanded": "true", "aria-label": say("threads_fold") };
  const fold = make("button", { ...state, onclick: turn }, "▾");
  return fold;
}

/** Return the stretches of posts with one answer each that are too long to read through. */
function chainsOf(thread, answers) {
  const chains = [];
  let chain = [];
  thread.nodes.forEach((node, place) => {
    const follows = node.parent === place - 1 && node.parent >= 0 && answers[node.parent].length === 1;
    if (!follows) {
      chains.push(chain);
      chain = [];
    }
    chain.push(place);
  });
  return [...chains, chain].filter((one) => one.length > LONG_CHAIN).map((one) => one.slice(3, -2));
}

/** Return the row that stands for a folded stretch, and opens it. */
function foldOf(rows, chain, onOpen) {
  const open = () => {
    onOpen();
    rows[chain[0]].tabIndex = -1;
    rows[chain[0]].focus();
  };
  const button = make(
    "button",
    { type: "button", class: "unfold", onclick: open },
    say("threads_folded", { posts: chain.length }),
  );
  return make("li", { "data-depth": rows[chain[0]].dataset.depth }, make("div"), button);
}
