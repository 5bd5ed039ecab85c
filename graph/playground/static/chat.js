// The conversation's bubbles, and the rating under a reply.

import { withheld } from "./decision.js";
import { element, icon, unseen } from "./elements.js";
import { feedback } from "./service.js";
import { milliseconds, named, percent, texts } from "./texts.js";

// A hand with its thumb up; the style sheet turns it for the other two ratings.
const THUMB = "M4 11h3v9H4zM7 11l4-7.5c1.7 0 2.7 1.1 2.5 2.8L13 10h5a2 2 0 0 1 2 2.4l-1.2 6A2 2 0 0 1 16.8 20H7";

/** What the customer said. */
export function question(text) {
  return element("div", { class: "bubble customer", lang: "zh-CN" }, unseen(texts().you), text);
}

/** That an answer is on its way. */
export function waiting() {
  const dots = Array.from({ length: 3 }, () => element("i", {}));
  return element("div", { class: "bubble waiting" }, unseen(texts().thinking), ...dots);
}

/** Why there is no answer. */
export function fault({ status, message }) {
  const text = status ? texts().refused(status, message) : texts().lost;
  return element("div", { class: "bubble fault" }, text);
}

/** The answer to a sentence, with its summary and rating; `onShow` is called to see the reasons. */
export function reply(message, info, selected, onShow) {
  const { answer } = message;
  const said = answer.handled
    ? element("div", { class: "bubble service", lang: "zh-CN" }, unseen(texts().reply), answer.reply)
    : element("div", { class: "bubble calm" }, withheld(answer, info) ? texts().control : texts().calm);
  return element(
    "div",
    { class: "answer", "data-request": answer.request_id },
    said,
    element("div", { class: "under" }, ...summary(answer, info), showButton(selected, onShow)),
    answer.handled ? rating(message) : null,
  );
}

function summary(answer, info) {
  const { label, probability } = answer.emotion;
  const felt = `${named(label, info.emotions)} ${percent(probability)}`;
  return [
    element("span", { class: answer.handled ? "chip felt" : "chip" }, felt),
    element("span", { class: "chip" }, texts().strategies[answer.strategy]),
    element("span", { class: "chip plain" }, milliseconds(answer.explain.timings_ms.total)),
  ];
}

function showButton(selected, onShow) {
  const pressed = String(selected);
  return element("button", { type: "button", class: "show", "aria-pressed": pressed, "aria-controls": "why", click: onShow }, texts().show);
}

function rating(message) {
  const note = element("span", { class: "note", role: "status" }, message.note ? texts()[message.note] : "");
  const buttons = [1, 2, 3].map((value) => rateButton(message, value));
  for (const button of buttons) {
    button.addEventListener("click", () => rate(message, Number(button.value), buttons, note));
  }
  return element("div", { class: "rating", role: "group", "aria-label": texts().rate }, element("span", { "aria-hidden": "true" }, texts().rate), ...buttons, note);
}

function rateButton(message, value) {
  const name = texts().rates[value];
  const pressed = String(message.satisfaction === value);
  return element("button", { type: "button", value, title: name, "aria-label": name, "aria-pressed": pressed }, icon(THUMB));
}

async function rate(message, satisfaction, buttons, note) {
  try {
    await feedback(message.answer.request_id, message.session, satisfaction);
    message.satisfaction = satisfaction;
    message.note = "rated";
  } catch (error) {
    message.note = error.status ? "unrated" : "lost";
  }
  for (const button of buttons) button.setAttribute("aria-pressed", String(Number(button.value) === message.satisfaction));
  note.textContent = texts()[message.note];
}
