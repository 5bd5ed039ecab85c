// The panel beside the conversation: everything that led to one answer.

import { decision, top } from "./decision.js";
import { drawn, element, unseen } from "./elements.js";
import { path, stoodIn } from "./path.js";
import { milliseconds, named, percent, texts } from "./texts.js";

const SHOWN = 5;
const MARKS = { used: "M5 12.5l4.5 4.5L19 7.5", passed: "M5 12.5l4.5 4.5L19 7.5", failed: "M7 7l10 10M17 7L7 17", idle: "M7 12h10" };

/** The panel for one message of the conversation. */
export function reasons({ text, answer, session }, info, wide) {
  const { explain } = answer;
  return [
    element("blockquote", { lang: "zh-CN" }, text),
    warning(answer),
    part("decision", null, ladder(answer, info)),
    part("path", texts().total(milliseconds(explain.timings_ms.total)), path(answer, info.execution, wide)),
    element(
      "div",
      { class: "pair" },
      part("emotion", null, bars(explain.emotion, info.emotions, null, Infinity)),
      part("topic", null, explain.topic ? bars(explain.topic, info.topics, explain.thresholds.topic, 8) : untold()),
    ),
    part("candidates", null, explain.candidates.length ? candidates(answer) : untold()),
    part("thresholds", null, thresholds(answer, info)),
    rest(answer, session),
  ].filter((one) => one !== null);
}

/** The panel before anything was said. */
export function introduction(info, wide) {
  const said = texts();
  const counts = { ...info.counts, emotions: own(info.emotions), topics: own(info.topics) };
  return [element(
    "div",
    { class: "start" },
    element("p", { class: "intro" }, said.intro),
    path(null, info.execution, wide),
    element("dl", { class: "counts" }, ...Object.entries(said.counts).map(([key, unit]) =>
      element("div", {}, element("dt", {}, unit), element("dd", {}, String(counts[key] ?? "–"))))),
  )];
}

function own(labels) {
  return Object.keys(labels).filter((label) => label !== "other").length;
}

function part(name, aside, ...children) {
  const title = element("h3", {}, texts()[name], aside ? element("span", { class: "aside" }, aside) : null);
  return element("section", { class: `part ${name}` }, title, ...children);
}

function untold() {
  return element("p", { class: "untold" }, texts().untold);
}

function warning({ degraded }) {
  if (!degraded.length) return null;
  const names = degraded.map((who) => (who === "deadline" ? texts().deadline : stoodIn(who)));
  return element("p", { class: "warning" }, texts().degraded(names.join(", ")));
}

function ladder(answer, info) {
  return element("ol", { class: "ladder" }, ...decision(answer, info).map(({ name, state, text }) =>
    element(
      "li",
      { class: state },
      drawn("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" }, drawn("path", { d: MARKS[state] })),
      element("strong", {}, name),
      unseen(` (${texts()[state]}) `),
      element("span", {}, text),
    )));
}

/** A bar each, most probable first; with a threshold that bounds them one by one, a mark where it is. */
function bars(probabilities, names, threshold, most) {
  const sorted = Object.entries(probabilities).sort((one, other) => other[1] - one[1]);
  const [best] = top(probabilities);
  const row = ([label, value]) => bar(named(label, names), value, threshold, label === best);
  const list = element("ul", { class: "bars" }, ...sorted.slice(0, most).map(row));
  const limit = threshold === null ? null : element("p", { class: "limit" }, texts().threshold(percent(threshold)));
  const others = sorted.slice(most);
  const more = others.length ? folded(others.length, element("ul", { class: "bars" }, ...others.map(row))) : null;
  return element("div", {}, ...[list, limit, more].filter((one) => one !== null));
}

function marks(threshold) {
  if (threshold === null) return [];
  const mark = element("span", { class: "mark-line" });
  mark.style.left = `${threshold * 100}%`;
  return [mark];
}

function bar(name, value, threshold, best) {
  const full = element("span", { class: "full" });
  full.style.width = `${value * 100}%`;
  return element(
    "li",
    { class: best ? "best" : null },
    element("span", { class: "label" }, name),
    element("span", { class: "track", "aria-hidden": "true" }, full, ...marks(threshold)),
    element("span", { class: "value" }, percent(value)),
  );
}

function folded(count, ...children) {
  return element("details", {}, element("summary", {}, texts().more(count)), ...children);
}

function candidates(answer) {
  const sorted = [...answer.explain.candidates].sort((one, other) => (other.similarity ?? -1) - (one.similarity ?? -1));
  const shown = table(sorted.slice(0, SHOWN), answer, true);
  const others = sorted.slice(SHOWN);
  return element("div", {}, shown, others.length ? folded(others.length, table(others, answer, false)) : null);
}

function table(rows, answer, headed) {
  const { columns } = texts();
  const names = Object.keys(columns);
  const head = names.map((name) => element("th", { scope: "col", role: "columnheader" }, columns[name]));
  const body = rows.map((one) => candidate(one, names.slice(1), answer));
  return element(
    "table",
    { role: "table", "aria-label": texts().candidates },
    element("thead", { class: headed ? null : "unseen", role: "rowgroup" }, element("tr", { role: "row" }, ...head)),
    element("tbody", { role: "rowgroup" }, ...body),
  );
}

function candidate(one, names, answer) {
  const chosen = answer.knowledge?.id === one.id;
  const digits = { bm25: 1, dense: 3, fused: 4, similarity: 3 };
  return element(
    "tr",
    { role: "row", class: chosen ? "chosen" : null },
    element(
      "th",
      { scope: "row", role: "rowheader" },
      element("span", { lang: "zh-CN" }, one.question),
      chosen ? element("em", {}, texts().chosen) : null,
      element("small", {}, one.id),
    ),
    ...names.map((name) =>
      element("td", { role: "cell", "data-column": texts().columns[name], class: name }, one[name]?.toFixed(digits[name]) ?? "–")),
  );
}

function thresholds(answer, info) {
  const used = { ...info.thresholds, ...Object.fromEntries(Object.entries(answer.explain.thresholds).filter(([, value]) => value !== null)) };
  return element("dl", { class: "numbers" }, ...Object.entries(used).map(([name, value]) =>
    element("div", {}, element("dt", {}, texts().thresholdNames[name] ?? name), element("dd", {}, value?.toFixed(3) ?? "–"))));
}

function rest(answer, session) {
  const { explain } = answer;
  return element(
    "details",
    { class: "raw" },
    element("summary", {}, texts().details),
    element("p", {}, `${texts().words}: `, element("span", { lang: "zh-CN" }, explain.words.join(" / "))),
    element("p", {}, `${texts().session}: ${session}`),
    element("pre", { tabindex: "0", role: "region", "aria-label": texts().details }, JSON.stringify(answer, null, 2)),
  );
}
