// Queries a second and response codes, as small plots with their numbers beside them.
import { el, rate, setText, svg } from "./dom.js";

const width = 300, height = 40;

// A line over the values, the newest at the right end; `most` is the top of the scale.
class Spark {
  constructor(filled) {
    this.line = svg("path", { class: "line" });
    this.root = svg("svg", { class: "spark", viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", "aria-hidden": "true" });
    this.fill = filled ? svg("path", { class: "fill" }) : null;
    this.root.append(...(this.fill ? [this.fill, this.line] : [this.line]));
  }

  show(values, most, places) {
    const step = width / Math.max(1, places - 1);
    const points = values.map((value, i) => {
      const x = width - (values.length - 1 - i) * step;
      return x.toFixed(1) + " " + (height - 1 - (most > 0 ? value / most : 0) * (height - 3)).toFixed(1);
    });
    if (points.length === 1) points.push(points[0]); // a round cap makes a dot of it
    const path = points.length > 0 ? "M" + points.join("L") : "";
    this.line.setAttribute("d", path);
    if (this.fill) this.fill.setAttribute("d", path && path + `L${width} ${height}L${(width - (values.length - 1) * step).toFixed(1)} ${height}Z`);
  }
}

const last = (values) => values.at(-1) ?? 0;

export class Plots {
  constructor() {
    this.rate = el("span", {}, "0");
    this.queries = new Spark(true);
    this.from = el("span");
    this.peak = el("p", { class: "soft" });
    this.rows = new Map();
    this.body = el("tbody");
    this.root = el("div", { class: "plots" },
      el("section", { class: "card", "aria-labelledby": "queries-heading" }, el("h2", { id: "queries-heading" }, "Queries"),
        el("p", { class: "rate" }, this.rate, " ", el("small", {}, "a second")), this.queries.root,
        el("p", { class: "span" }, this.from, el("span", {}, "now"))),
      el("section", { class: "card", "aria-labelledby": "rcodes-heading" }, el("h2", { id: "rcodes-heading" }, "Response codes, a second"),
        el("table", { class: "rcodes", "aria-labelledby": "rcodes-heading" }, this.body)));
  }

  show({ queries, rcodes, step_seconds: step }) {
    const places = Math.max(24, queries.length);
    setText(this.rate, rate(last(queries)));
    this.queries.show(queries, Math.max(1, ...queries), places);
    setText(this.from, Math.round((places * step) / 60) + " min ago; at most " + rate(Math.max(0, ...queries)));
    const all = Math.max(1, ...queries);
    for (const [name, values] of Object.entries(rcodes)) {
      if (!this.rows.has(name)) {
        const value = el("td", { class: "value" }), plot = new Spark(false);
        this.body.append(el("tr", {}, el("th", { scope: "row" }, name === "other" ? "Others" : name), el("td", {}, plot.root), value));
        this.rows.set(name, { value, plot });
      }
      const { value, plot } = this.rows.get(name);
      // A scale of its own, so that few SERVFAILs are seen beside many answers; but noise stays low.
      plot.show(values, Math.max(1, 0.05 * all, ...values), places);
      setText(value, rate(last(values)));
    }
  }
}
