// Builds elements. Text only ever becomes a text node, so nothing that is said or answered can turn into markup.

const SVG = "http://www.w3.org/2000/svg";

/** An element with attributes and children; a string child becomes text, null is left out. */
export function element(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/** The same for SVG. */
export function drawn(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

/** Text for screen readers alone. */
export function unseen(text) {
  return element("span", { class: "unseen" }, text);
}

/** An icon of one stroked path in a box of 24 by 24. */
export function icon(path) {
  return drawn("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" }, drawn("path", { d: path }));
}

function fill(target, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") target.addEventListener(name, value);
    else if (value !== null && value !== false) target.setAttribute(name, value === true ? "" : String(value));
  }
  target.append(...children.filter((child) => child !== null));
  return target;
}
