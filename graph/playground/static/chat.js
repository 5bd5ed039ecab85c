// The conversation's bubbles, and the rating under a reply.

import { element, icon, unseen } from "./elements.js";
import { feedback } from "./service.js";
import { milliseconds, named, percent, texts } from "./texts.js";

const FACES = {
  1: "M8 14.5s1.5 2 4 2 4-2 4-2M9 9.5h.01M15 9.5h.01M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z",
  2: "M8 15.5h8M9 9.5h.01M15 9.5h.01M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z",
  3: "M8 16.5s1.5-2 4-2 4 2 4 2M9 9.5h.01M15 9.5h.01M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z",
};

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
    : element("div", { class: "bubble calm" }, texts().calm);
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
  const text = selected ? texts().shown : texts().show;
  return element("button", { type: "button", class: "show", "aria-pressed": String(selected), "aria-controls": "why", click: onShow }, text);
}

function rating(message) {
  const note = element("span", { class: "note", role: "status" }, message.note ? texts()[message.note] : "");
  const buttons = [1, 2, 3].map((value) => rateButton(message, value));
  for (const button of buttons) {
    button.addEventListener("click", () => rate(message, Number(button.value), buttons, note));
  }
  return element("div", { class: "rating", role: "group", "aria-label": texts().rate }, ...buttons, note);
}

function rateButton(message, value) {
  const name = texts().rates[value];
  const pressed = String(message.satisfaction === value);
  return element("button", { type: "button", value, title: name, "aria-label": name, "aria-pressed": pressed }, icon(FACES[value]));
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
