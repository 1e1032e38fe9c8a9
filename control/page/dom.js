// Small helpers: elements, text that changes only where it differs, times, numbers, icons. Data is only ever put into
// the page as text.

export const el = (tag, attributes = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
};

export const svg = (tag, attributes = {}, ...children) => {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
};

// Assistive technology speaks what changes, so what has not changed is left alone.
export const setText = (node, text) => {
  if (node.textContent !== text) node.textContent = text;
};

// Calls `make` and puts what it returns into `node` only when `data` is other than the last time.
const shown = new WeakMap();
export const show = (node, data, make) => {
  const key = JSON.stringify(data);
  if (shown.get(node) === key) return;
  shown.set(node, key);
  node.replaceChildren(...[make()].flat().filter((child) => child !== null && child !== undefined));
};

const paths = {
  good: ["M8 14.5a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13Z", "m5.2 8.2 2 2 3.6-4.2"],
  half: ["M8 14.5a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13Z", "M8 4.6V8l2.4 1.6"],
  care: ["M8 1.8 14.8 14H1.2L8 1.8Z", "M8 6.4v3.4M8 11.9v.1"],
  bad: ["M8 14.5a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13Z", "m5.6 5.6 4.8 4.8m0-4.8-4.8 4.8"],
  none: ["M8 14.5a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13Z"],
  plain: ["M8 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6Z"],
};
export const icon = (name, tone = name) =>
  svg("svg", { class: "icon " + tone, viewBox: "0 0 16 16", "aria-hidden": "true" }, ...paths[name].map((d) => svg("path", { d })));

const numbers = new Intl.NumberFormat("en");
export const number = (value) => numbers.format(value);
export const plural = (count, one, many) => number(count) + " " + (count === 1 ? one : many);
export const rate = (value) => (value === 0 ? "0" : value < 10 ? value.toFixed(1) : number(Math.round(value)));

// The server's clock, as far as we know: a page on a machine with a wrong clock still tells true ages.
let skew = 0;
export const serverTime = (text) => { skew = Date.parse(text) - Date.now(); };
export const now = () => Date.now() + skew;

const span = (seconds) => {
  if (seconds < 60) return seconds + " s";
  if (seconds < 3600) return Math.floor(seconds / 60) + " min";
  if (seconds < 2 * 86400) return Math.floor(seconds / 3600) + " h";
  return Math.floor(seconds / 86400) + " days";
};
const relative = (instant) => {
  const seconds = Math.round((instant - now()) / 1000);
  if (Math.abs(seconds) < 3) return "just now";
  return seconds > 0 ? "in " + span(seconds) : span(-seconds) + " ago";
};
const setTime = (node) => setText(node, relative(Date.parse(node.dateTime)));

// "3 min ago", kept true; the exact time for who points at it.
export const ago = (text, never = "never") => {
  if (!text) return el("span", {}, never);
  const node = el("time", { datetime: text, title: new Date(text).toLocaleString() });
  setTime(node);
  return node;
};
setInterval(() => { if (!document.hidden) document.querySelectorAll("time").forEach(setTime); }, 5000);

// Puts a changing "3 min ago" into a cell without touching it otherwise.
export const setAgo = (cell, text, never) => {
  const time = cell.firstElementChild;
  if (time && text && time.dateTime === text) return;
  if (time && text && time.tagName === "TIME") {
    time.dateTime = text;
    time.title = new Date(text).toLocaleString();
    setTime(time);
    return;
  }
  cell.replaceChildren(ago(text, never));
};
