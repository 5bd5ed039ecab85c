// The page: what was said, which answer is explained, in which language and colours.

import { fault, question, reply, waiting } from "./chat.js";
import { element } from "./elements.js";
import { comfort, info as fetchInfo, newSession } from "./service.js";
import { EXAMPLES, label, speak, spoken, texts } from "./texts.js";
import { introduction, reasons } from "./why.js";

const WIDE_PX = 520;
const find = (id) => document.getElementById(id);
const [log, form, input, panel] = ["log", "form", "sentence", "reasons"].map(find);
const state = { messages: [], selected: null, session: newSession(), info: null, busy: false };

function stored(key) {
  try { return localStorage.getItem(key); } catch { return null; }
}

function store(key, value) {
  try { localStorage.setItem(key, value); } catch { /* a page without storage forgets, nothing else */ }
}

function showReasons() {
  if (!state.info) return;
  const wide = panel.clientWidth >= WIDE_PX;
  panel.dataset.strategy = state.selected?.answer.strategy ?? "";
  panel.replaceChildren(...(state.selected ? reasons(state.selected, state.info, wide) : introduction(state.info, wide)));
}

function bubbles(message) {
  const asked = question(message.text);
  if (message.error) return [asked, fault(message.error)];
  if (!message.answer) return [asked, waiting()];
  return [asked, reply(message, state.info, message === state.selected, () => select(message, true))];
}

function showMessage(message) {
  const [, answer] = bubbles(message);
  message.shown?.replaceWith(answer);
  message.shown = answer;
}

function showLog() {
  find("welcome").hidden = state.messages.length > 0;
  document.querySelector(".chat").toggleAttribute("data-empty", state.messages.length === 0);
  const children = state.messages.flatMap((message) => {
    const [asked, answer] = bubbles(message);
    message.shown = answer;
    return [asked, answer];
  });
  log.replaceChildren(find("welcome"), ...children);
  log.scrollTop = log.scrollHeight;
}

function select(message, move) {
  const before = state.selected;
  state.selected = message;
  if (before && before !== message) showMessage(before);
  showMessage(message);
  showReasons();
  panel.scrollTop = 0;
  if (!move) return;
  message.shown.querySelector(".show").focus({ preventScroll: true });
  if (stacked()) {
    find("why").scrollIntoView();
    find("why").focus({ preventScroll: true });
  }
}

function stacked() {
  return find("why").offsetTop > log.offsetTop + log.offsetHeight;
}

async function say(text) {
  if (!text.trim() || state.busy) return;
  const message = { text, session: state.session, answer: null, error: null };
  state.busy = true;
  state.messages.push(message);
  append(message);
  try {
    state.info ??= await fetchInfo();
    message.answer = await comfort(text, state.session);
  } catch (error) {
    message.error = error;
  }
  state.busy = false;
  if (!state.messages.includes(message)) return;
  if (message.answer) select(message, false);
  else showMessage(message);
  log.scrollTop = log.scrollHeight;
}

function append(message) {
  find("welcome").hidden = true;
  document.querySelector(".chat").removeAttribute("data-empty");
  const [asked, answer] = bubbles(message);
  message.shown = answer;
  log.append(asked, answer);
  log.scrollTop = log.scrollHeight;
}

function restart() {
  Object.assign(state, { messages: [], selected: null, session: newSession(), busy: false });
  showLog();
  showReasons();
  input.focus();
}

function showExamples() {
  find("examples").replaceChildren(...EXAMPLES.map(([chinese, english]) =>
    element(
      "li",
      {},
      element(
        "button",
        { type: "button", click: () => say(chinese) },
        element("span", { lang: "zh-CN" }, chinese),
        spoken() === "en" ? element("small", {}, english) : null,
      ),
    )));
}

function setLanguage(name) {
  speak(name);
  store("anwei.language", spoken());
  for (const button of document.querySelectorAll("[data-language]")) {
    button.setAttribute("aria-pressed", String(button.dataset.language === spoken()));
  }
  label();
  showExamples();
  showLog();
  showReasons();
}

function setTheme(name) {
  if (name) document.documentElement.dataset.theme = name;
}

function toggleTheme() {
  const dark = getComputedStyle(document.documentElement).colorScheme === "dark"
    || (!document.documentElement.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches);
  setTheme(dark ? "light" : "dark");
  store("anwei.theme", dark ? "light" : "dark");
}

function send() {
  if (state.busy) return;
  const text = input.value;
  if (!text.trim()) return;
  input.value = "";
  say(text);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  send();
});
input.addEventListener("keydown", (event) => {
  // Enter also ends the choice of characters in a Chinese input method; that one does not send.
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    send();
  }
});
for (const button of document.querySelectorAll("[data-language]")) {
  button.addEventListener("click", () => setLanguage(button.dataset.language));
}
find("theme").addEventListener("click", toggleTheme);
find("restart").addEventListener("click", restart);
find("back").addEventListener("click", () => input.focus());
let wide = null;
new ResizeObserver(() => {
  const now = panel.clientWidth >= WIDE_PX;
  if (now !== wide) showReasons();
  wide = now;
}).observe(panel);

setTheme(stored("anwei.theme"));
setLanguage(stored("anwei.language") ?? (navigator.language.startsWith("zh") ? "zh" : "en"));
fetchInfo().then((info) => {
  state.info = info;
  showReasons();
}, () => { panel.textContent = texts().lost; });
