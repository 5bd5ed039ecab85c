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

/** The threshold the emotion had to pass: the lexicon's own when it stood in. */
export function emotionThreshold(answer, info) {
  return answer.explain.thresholds.emotion ?? info.thresholds.lexicon;
}

/** Whether the emotion was sure, but the session belongs to the control group and so is not comforted. */
export function withheld(answer, info) {
  const { label, probability } = answer.emotion;
  return answer.arm === "control" && label !== "other" && probability > emotionThreshold(answer, info);
}

function emotion(answer, info) {
  const said = texts();
  const { label, probability } = answer.emotion;
  const limit = percent(emotionThreshold(answer, info));
  if (answer.handled || withheld(answer, info)) {
    return { state: "passed", text: said.above(named(label, info.emotions), percent(probability), limit) };
  }
  if (label !== "other") {
    return { state: "failed", text: said.below(named(label, info.emotions), percent(probability), limit) };
  }
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
