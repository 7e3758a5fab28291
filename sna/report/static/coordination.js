"use strict";
// Who does the same together: the groups in words, and the pairs that hold them together as a table.
function showCoordination() {
  const { pairs, groups, facts, told } = data.coordination;
  byId("coordination-told").textContent = say(pairs.length ? "coordination_told" : "coordination_none", {
    pairs: told.all,
    by: listed(facts.by.map((name) => data.words["kind_" + name] ?? name)),
    seconds: facts.window_seconds,
    least: facts.min_shared,
    significant: facts.significant_pairs,
    fdr: facts.fdr,
    tests: facts.tests,
    shown: told.shown,
  });
  if (!pairs.length) {
    byId("pairs").hidden = true;
    return;
  }
  byId("groups").append(
    ...groups.map((group) => make("p", {}, say("coordination_members", { ...group, list: listed(group.members) }))),
  );
  const names = ["group", "actor", "other", "shared", "expected", "q", "gap"];
  const heads = names.map((name, place) => [say("coordination_" + name), place > 2]);
  const isActive = (id) => isAll() || !actorById.has(id) || countIn(actorById.get(id).bins) > 0;
  const rowOf = (pair) => {
    const beyond = pair.is_significant ? [make("span", { class: "mark" }, say("coordination_yes"))] : [];
    const who = [nameOf(pair.ids[0], pair.actor), nameOf(pair.ids[1], pair.other)];
    return [
      figure(pair.group),
      ...who,
      figure(pair.shared),
      figure(pair.expected),
      [figure(pair.q), ...beyond],
      figure(pair.mean_gap),
    ];
  };
  follow(() => {
    const active = pairs.filter((pair) => pair.ids.every(isActive));
    byId("pairs").replaceChildren(tableOf(heads, active.map(rowOf)));
  });
}
