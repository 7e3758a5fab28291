"use strict";
// Head, summary, gaps and methods; then every panel once, and all of them again whenever another time is chosen.
function showHead() {
  const meta = data.meta;
  document.title = `${meta.purpose} – ${data.words.page_title}`;
  byId("purpose").textContent = meta.purpose;
  byId("facts").textContent = say("page_facts", { ...meta, first: when(meta.first), last: when(meta.last) });
  byId("expiry").textContent = meta.expires_first === null ? "" : say("page_expires", { date: onDay(meta.expires_first) });
  byId("expiry").hidden = meta.expires_first === null;
  byId("made").textContent = say("page_made", { date: when(meta.made_at), version: meta.version });
}

function showSummary() {
  const meta = data.meta;
  const counted = (counts, name) => listed(Object.entries(counts).filter(([, count]) => count).map(([key, count]) => `${name(key)} ${figure(count)}`));
  const told = [
    say("summary_purpose", { purpose: meta.purpose, basis: meta.basis, days: meta.keep_days }),
    say("summary_posts", { ...meta, first: when(meta.first), last: when(meta.last) }),
    say("summary_sources", { list: counted(meta.sources, (key) => key) }),
    say("summary_kinds", { list: counted(meta.kinds, (key) => say("kind_" + key)) }),
    say("summary_threads", { threads: meta.threads, roots: meta.true_roots, missing: meta.missing_parents }),
  ];
  for (const role of Object.keys(data.actors.components ?? {})) {
    const score = role + "_score";
    const leading = data.actors.rows.filter((row) => row[score] > 0).sort((a, b) => b[score] - a[score]).slice(0, 3);
    if (leading.length) told.push(say("summary_role_" + role, { list: listed(leading.map((row) => `${row.label} (${figure(row[score])})`)) }));
  }
  if (steps) {
    const totals = Array.from({ length: steps.count }, (_, i) => Object.values(steps.series).reduce((sum, series) => sum + series[i], 0));
    const peak = totals.indexOf(Math.max(...totals));
    told.push(say("summary_peak", { date: when(timeOf(peak)), posts: totals[peak], bursts: steps.bursts.length }));
  }
  const widest = [...data.origins].sort((a, b) => b.actors - a.actors)[0];
  if (widest) told.push(say("summary_spread", { item: widest.item, actors: widest.actors, first: widest.first, date: when(widest.at) }));
  told.push(say("summary_groups", { pairs: data.coordination.facts.significant_pairs, seconds: data.coordination.facts.window_seconds }));
  if (meta.pseudonymised) told.push(say("summary_pseudonymised"));
  if (!meta.with_text) told.push(say("summary_no_text"));
  byId("summary-words").append(make("ul", {}, ...told.map((sentence) => make("li", {}, sentence))));
}

function showRest() {
  byId("gap-list").append(...data.gaps.map(([name, facts]) => make("li", {}, say("gap_" + name, facts))));
  byId("method-list").append(...data.methods.map((one) => make("details", {}, make("summary", {}, one.title), make("p", {}, one.definition),
    ...["formula", "limits", "source"].filter((name) => one[name] !== "-").map((name) => make("p", {}, make("b", {}, say("methods_" + name) + ": "), one[name])))));
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
for (const panel of followers) panel();
document.documentElement.dataset.ready = "yes";
