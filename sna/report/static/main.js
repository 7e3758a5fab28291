"use strict";
// Head, summary, gaps and methods; then every panel once, and all of them again whenever another time is chosen.
function showHead() {
  const meta = data.meta;
  document.title = `${meta.purpose} – ${data.words.page_title}`;
  byId("purpose").textContent = meta.purpose;
  byId("facts").textContent = say(meta.posts ? "page_facts" : "page_no_posts", {
    ...meta,
    first: when(meta.first),
    last: when(meta.last),
  });
  byId("expiry").textContent =
    meta.expires_first === null ? "" : say("page_expires", { date: onDay(meta.expires_first) });
  byId("expiry").hidden = meta.expires_first === null;
  byId("made").textContent = say("page_made", { date: when(meta.made_at), version: meta.version });
}

function showSummary() {
  const sentences = [
    ...aboutCase(),
    ...ROLES.map(leadersOf),
    busiestStep(),
    widestItem(),
    pairsBeyondChance(),
    ...veils(),
  ];
  byId("summary-words").append(make("ul", {}, ...sentences.filter(Boolean).map((one) => make("li", {}, one))));
}

function aboutCase() {
  const { meta } = data;
  const present = (counts) => Object.entries(counts).filter(([, count]) => count);
  const counted = (counts, name) => listed(present(counts).map(([key, count]) => `${name(key)} ${figure(count)}`));
  return [
    say("summary_purpose", { purpose: meta.purpose, basis: meta.basis }),
    say(meta.expires_first === null ? "summary_kept" : "summary_expires", {
      days: meta.keep_days,
      date: onDay(meta.expires_first),
    }),
    ...(meta.posts ? aboutPosts(meta, counted) : [say("page_no_posts")]),
  ];
}

function aboutPosts(meta, counted) {
  return [
    say("summary_posts", { ...meta, first: when(meta.first), last: when(meta.last) }),
    say("summary_sources", { list: counted(meta.sources, (key) => key) }),
    say("summary_kinds", { list: counted(meta.kinds, (key) => say("kind_" + key)) }),
    say("summary_threads", { threads: meta.threads, roots: meta.true_roots, missing: meta.missing_parents }),
  ];
}

function leadersOf(role) {
  const score = role + "_score";
  const leading = sorted(
    data.actors.rows.filter((row) => row[score] > 0),
    { by: score, isUp: false },
  ).slice(0, 3);
  const list = listed(leading.map((row) => `${row.label} (${figure(row[score])})`));
  return leading.length ? say("summary_role_" + role, { list }) : null;
}

function busiestStep() {
  if (!steps) return null;
  const series = Object.values(steps.series);
  const totals = Array.from({ length: steps.count }, (_, i) => series.reduce((sum, one) => sum + one[i], 0));
  const peak = totals.indexOf(Math.max(...totals));
  const until = when(timeOf(peak + 1));
  return say("summary_peak", { date: when(timeOf(peak)), until, posts: totals[peak], bursts: steps.bursts.length });
}

function widestItem() {
  const widest = [...data.origins].sort((a, b) => b.actors - a.actors)[0];
  return widest ? say("summary_spread", { ...widest, date: when(widest.at) }) : null;
}

function pairsBeyondChance() {
  const { significant_pairs: pairs, window_seconds: seconds } = data.coordination.facts;
  if (!pairs) return null;
  return say("summary_groups", { pairs, seconds });
}

function veils() {
  const { pseudonymised, with_text: withText } = data.meta;
  return [pseudonymised ? say("summary_pseudonymised") : null, withText ? null : say("summary_no_text")];
}

function showRest() {
  byId("gap-list").append(...data.gaps.map(([name, facts]) => make("li", {}, say("gap_" + name, facts))));
  byId("method-list").append(...data.methods.map(methodInWords));
}

function methodInWords(method) {
  const parts = ["formula", "parameters", "limits", "source"].filter((name) => !["-", "none"].includes(method[name]));
  const sentences = parts.map((name) =>
    make("p", {}, say("page_pair", { name: say("methods_" + name), value: method[name] })),
  );
  return make("details", {}, make("summary", {}, method.title), make("p", {}, method.definition), ...sentences);
}

/** On paper nothing can be unfolded: the methods are printed in full, and fold again afterwards. */
function unfoldForPrint() {
  const all = document.querySelectorAll("#method-list details");
  addEventListener("beforeprint", () => all.forEach((one) => (one.open = true)));
  addEventListener("afterprint", () => all.forEach((one) => (one.open = false)));
}

showHead();
showSummary();
showTimeline();
showNetwork();
showActors();
showThreads();
showOrigins();
showCoordination();
showPlaces();
showRest();
unfoldForPrint();
for (const panel of followers) panel();
document.documentElement.dataset.ready = "yes";
