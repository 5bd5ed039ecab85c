// Draws the graph a sentence went through: who was asked, for how long, who stood in, and whose answer was taken.

import { drawn } from "./elements.js";
import { milliseconds, texts } from "./texts.js";

const BOX = { width: 116, height: 56 };
const ROLES = ["text", "emotion", "topic", "recall", "rerank", "reply"];
const WIDE = {
  size: [668, 176],
  at: { text: [0, 60], emotion: [138, 60], topic: [345, 4], recall: [276, 116], rerank: [414, 116], reply: [552, 60] },
  leave: ([x, y]) => [x + BOX.width, y + BOX.height / 2],
  enter: ([x, y]) => [x, y + BOX.height / 2],
  bend: ([x1, y1], [x2, y2]) => `M${x1} ${y1}C${(x1 + x2) / 2} ${y1} ${(x1 + x2) / 2} ${y2} ${x2} ${y2}`,
};
const TALL = {
  size: [316, 392],
  at: { text: [100, 0], emotion: [100, 84], topic: [8, 209], recall: [192, 168], rerank: [192, 250], reply: [100, 336] },
  leave: ([x, y]) => [x + BOX.width / 2, y + BOX.height],
  enter: ([x, y]) => [x + BOX.width / 2, y],
  bend: ([x1, y1], [x2, y2]) => `M${x1} ${y1}C${x1} ${(y1 + y2) / 2} ${x2} ${(y1 + y2) / 2} ${x2} ${y2}`,
};
const LAST = { knowledge: "rerank", emotion_topic: "topic", emotion: "emotion", none: "emotion" };

/** The picture for an answer; without one, the bare graph. `wide` lies, else it stands (for a phone). */
export function path(answer, execution, wide) {
  const plan = wide ? WIDE : TALL;
  const [width, height] = plan.size;
  const nodes = ROLES.map((role) => node(role, answer));
  return drawn(
    "svg",
    { class: "map", viewBox: `-1 -1 ${width + 2} ${height + 2}`, role: "img", "aria-label": spokenPath(nodes) },
    ...edges(execution).map(([from, to]) => edge(plan, from, to, answer)),
    ...nodes.map((one) => box(plan, one, Math.max(...nodes.map((other) => other.time ?? 0)))),
  );
}

function edges(execution) {
  const first = execution === "speculative" ? "text" : "emotion";
  return [
    ["text", "emotion"], [first, "topic"], [first, "recall"], ["recall", "rerank"],
    ["topic", "reply"], ["rerank", "reply"], ["emotion", "reply"],
  ];
}

function node(role, answer) {
  const name = texts().nodes[role];
  if (!answer) return { role, name, note: "", state: "bare" };
  if (role === "reply") return { role, name: texts().strategies[answer.strategy], note: "", state: "end" };
  const time = answer.explain.timings_ms[role];
  const standIn = answer.degraded.find((who) => who === role || who.startsWith(`${role}.`));
  if (standIn) return { role, name: stoodIn(standIn), time, note: time === undefined ? "" : milliseconds(time), state: "degraded" };
  if (time !== undefined) return { role, name, time, note: milliseconds(time), state: "asked" };
  if (asked(role, answer)) return { role, name, note: texts().cached, state: "asked" };
  return { role, name, note: texts().skipped, state: "skipped" };
}

/** Whether a node took part, now or when the same sentence was asked a moment ago. */
function asked(role, { explain }) {
  if (!explain.cached) return role in explain.timings_ms;
  const { topic, candidates } = explain;
  const took = { text: true, emotion: true, topic: topic !== null, recall: candidates.length > 0 };
  return took[role] ?? candidates.some((one) => one.similarity !== null);
}

/** Who stood in for a node, as "node → understudy". */
export function stoodIn(who) {
  const { nodes, understudies } = texts();
  return `${nodes[who.split(".")[0]] ?? who} → ${understudies[who] ?? who}`;
}

function box(plan, { role, name, note, state, time }, longest) {
  const [x, y] = plan.at[role];
  const middle = x + BOX.width / 2;
  return drawn(
    "g",
    { class: `node ${state}`, "data-role": role },
    drawn("rect", { x, y, width: BOX.width, height: BOX.height, rx: 14 }),
    drawn("text", { x: middle, y: y + (note ? 24 : 33), class: "name" }, name),
    note ? drawn("text", { x: middle, y: y + 42, class: "detail" }, note) : null,
    time ? drawn("rect", { ...bar(x, y, time / longest), class: "time", rx: 1.5 }) : null,
  );
}

function bar(x, y, share) {
  return { x: x + 16, y: y + BOX.height - 7, width: Math.max(2, (BOX.width - 32) * share), height: 3 };
}

function edge(plan, from, to, answer) {
  const d = plan.bend(plan.leave(plan.at[from]), plan.enter(plan.at[to]));
  return drawn("path", { d, class: `edge ${edgeState(from, to, answer)}` });
}

function edgeState(from, to, answer) {
  if (!answer) return "bare";
  if (to === "reply") return LAST[answer.strategy] === from ? "taken" : "bare";
  return asked(from, answer) && asked(to, answer) ? "asked" : "bare";
}

function spokenPath(nodes) {
  return `${texts().path}: ${nodes.map(({ name, note }) => (note ? `${name} ${note}` : name)).join("; ")}`;
}
