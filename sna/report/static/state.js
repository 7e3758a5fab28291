"use strict";
// The one choice of time that every panel follows: the steps of the timeline from `from` to `until`, both within.
const steps = data.timeline;
const chosen = { from: 0, until: steps ? steps.count - 1 : 0 };
const followers = [];

const follow = (panel) => followers.push(panel);
const isAll = () => !steps || (chosen.from === 0 && chosen.until === steps.count - 1);
const isIn = (step) => step >= chosen.from && step <= chosen.until;
const timeOf = (step) => steps.since + step * steps.step;

/** Whether a time (milliseconds) is within the choice; what has no time is in the whole alone. */
function isTimeIn(at) {
  if (isAll()) return true;
  return at !== null && at >= timeOf(chosen.from) && at < timeOf(chosen.until + 1);
}

/** Sum the counts of [step, count, step, count, …] within the choice. */
function countIn(pairs) {
  let total = 0;
  for (let i = 0; i < pairs.length; i += 2) if (isAll() || isIn(pairs[i])) total += pairs[i + 1];
  return total;
}

function choose(from, until) {
  if (!steps) return;
  const last = steps.count - 1;
  chosen.from = Math.max(0, Math.min(from, until, last));
  chosen.until = Math.min(last, Math.max(from, until, 0));
  for (const panel of followers) panel();
}
