// Says in words how an answer was decided: the paper's four steps, most specific first.

import { named, percent, texts } from "./texts.js";

/** The steps as [{name, state, text}]; state is used, passed, failed or idle. */
export function decision(answer, info) {
  const steps = [emotion(answer, info), knowledge(answer, info), topic(answer, info), general(answer, info)];
  const names = ["emotion", "knowledge", "emotion_topic", answer.handled ? "emotion_only" : "none"];
  return steps.map((step, place) => ({ name: texts().steps[names[place]], ...step }));
}

/** The most probable label as [label, probability]. */
export function top(probabilities) {
  return Object.entries(probabilities).reduce((best, one) => (one[1] > best[1] ? one : best));
}

/** Whether the emotion was sure, but the session belongs to the control group and so is not comforted. */
export function withheld(answer, info) {
  const { certainty, limit } = felt(answer, info);
  return answer.arm === "control" && answer.emotion.label !== "other" && certainty > limit;
}

/** How certain it is that there is an emotion, and the threshold for it: the lexicon has its own of both. */
function felt(answer, info) {
  const limit = answer.explain.thresholds.emotion;
  if (limit === null) return { certainty: answer.emotion.probability, limit: info.thresholds.lexicon };
  return { certainty: 1 - answer.explain.emotion.other, limit };
}

function emotion(answer, info) {
  const said = texts();
  const { label, probability } = answer.emotion;
  const { certainty, limit } = felt(answer, info);
  const parts = [named(label, info.emotions), percent(probability), percent(certainty), percent(limit)];
  if (answer.handled || withheld(answer, info)) return { state: "passed", text: said.felt(...parts) };
  if (label !== "other") return { state: "failed", text: said.unfelt(...parts) };
  return { state: "failed", text: probability > 0 ? said.plain(percent(probability)) : said.silent };
}

function knowledge(answer, info) {
  const said = texts();
  if (!answer.handled) return unasked(answer, info);
  const limit = answer.explain.thresholds.match;
  if (answer.knowledge) {
    return { state: "used", text: said.similar(answer.knowledge.similarity.toFixed(3), limit.toFixed(3)) };
  }
  if (answer.degraded.includes("recall")) return { state: "failed", text: said.away };
  const similarities = answer.explain.candidates.map((one) => one.similarity).filter((one) => one !== null);
  if (!similarities.length) return { state: "failed", text: answer.explain.candidates.length ? said.away : said.nothing };
  const best = Math.max(...similarities);
  return { state: "failed", text: best > limit ? said.unfit : said.unlike(best.toFixed(3), limit.toFixed(3)) };
}

function topic(answer, info) {
  const said = texts();
  if (!answer.handled) return unasked(answer, info);
  if (answer.strategy === "knowledge") return { state: "idle", text: said.unneeded };
  if (!answer.explain.topic) return { state: "failed", text: said.away };
  const [label, probability] = top(answer.explain.topic);
  const limit = answer.explain.thresholds.topic;
  const parts = [named(label, info.topics), percent(probability), percent(limit)];
  if (answer.strategy === "emotion_topic") return { state: "used", text: said.above(...parts) };
  if (label === "other") return { state: "failed", text: said.topicless(percent(probability)) };
  return { state: "failed", text: probability > limit ? said.pair : said.below(...parts) };
}

function unasked(answer, info) {
  return { state: "idle", text: withheld(answer, info) ? texts().withheld : texts().unasked };
}

function general(answer, info) {
  const said = texts();
  if (!answer.handled) return { state: "used", text: withheld(answer, info) ? said.control : said.ordinary };
  return answer.strategy === "emotion" ? { state: "used", text: said.general } : { state: "idle", text: said.unneeded };
}
