#include "control/page.h"

namespace understudy::control {

std::string_view page_html() {
  return R"(<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Understudy</title>
<link rel="stylesheet" href="/page.css">
<script src="/page.js" defer></script>
<main>
<h1>Understudy</h1>
<p id="summary" role="status">Asking the server ...</p>
<table>
<thead><tr><th scope="col">Zone<th scope="col">State<th scope="col">Serial<th scope="col">Primary
<th scope="col">Version<th scope="col">Records<th scope="col">Last check<th scope="col">Compared</tr></thead>
<tbody id="zones"></tbody>
</table>
<p><a href="/metrics">metrics</a> <a href="/api/v1/zones">zones as JSON</a> <a href="/readyz">readiness</a></p>
<noscript>This page needs JavaScript; <a href="/api/v1/zones">the same as JSON</a> does not.</noscript>
</main>
</html>
)";
}

std::string_view page_script() {
  return R"js("use strict";
const ago = (time) => {
  if (time === null) return "never";
  const seconds = Math.max(0, Math.round((Date.now() - Date.parse(time)) / 1000));
  if (seconds < 60) return seconds + " s ago";
  if (seconds < 3600) return Math.floor(seconds / 60) + " min ago";
  if (seconds < 86400) return Math.floor(seconds / 3600) + " h ago";
  return Math.floor(seconds / 86400) + " d ago";
};
const compared = (comparison) => {
  if (comparison === null || comparison.addresses === 0) return "";
  if (comparison.mismatches > 0) return comparison.mismatches + " differ";
  if (comparison.complete) return "equal";
  return comparison.coverage < 1 ? Math.floor(comparison.coverage * 100) + "% so far" : "to be confirmed";
};
const row = (zone) => {
  const line = document.createElement("tr");
  const cells = [zone.zone, zone.state, zone.serial ?? "", zone.primary_serial ?? "", zone.version, zone.records,
    ago(zone.last_check), compared(zone.comparison)];
  cells.forEach((text, i) => {
    const cell = document.createElement(i === 0 ? "th" : "td");
    if (i === 0) cell.scope = "row";
    if (i === 1) cell.className = "state-" + zone.state;
    cell.textContent = text;
    line.append(cell);
  });
  return line;
};
const refresh = async () => {
  const summary = document.getElementById("summary");
  try {
    const answer = await fetch("/api/v1/zones");
    if (!answer.ok) throw new Error("the server answered " + answer.status);
    const { zones } = await answer.json();
    document.getElementById("zones").replaceChildren(...zones.map(row));
    const fresh = zones.filter((zone) => zone.state === "fresh").length;
    summary.textContent = zones.length === 0 ? "No zones are configured." : fresh + " of " + zones.length + " zones are fresh.";
  } catch (fault) {
    summary.textContent = "No answer from the server: " + fault.message;
  }
};
refresh();
setInterval(refresh, 5000);
)js";
}

std::string_view page_style() {
  return R"(:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0; }
main { max-width: 64rem; margin: 0 auto; padding: 1rem; overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid color-mix(in srgb, currentColor 20%, transparent); font-weight: normal; }
thead th { font-weight: 600; }
.state-fresh { color: #2e8b47; }
.state-retrying, .state-stale { color: #b26a00; }
.state-expired, .state-empty { color: #c8352b; }
)";
}

}  // namespace understudy::control
