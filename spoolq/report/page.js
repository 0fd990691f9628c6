/* The report's page: adds up the embedded table for the chosen time, worker and outcomes, and draws.
   Whatever comes from the spool goes into the document as text or as a number, never as markup. */
"use strict";

const SVG = "http://www.w3.org/2000/svg";
const WORDS = { done: "done", failed: "failed, to run again", gave_up: "failed for good", expired: "lease expired", released: "released", cancelled: "cancelled" };
const BAD = ["failed", "gave_up", "expired"];
const byId = id => document.getElementById(id);
let data = JSON.parse(byId("data").textContent);
const chosen = { from: 0, to: data.count - 1, worker: -1, outcomes: new Set(data.outcomes.keys()), words: "" };
const sorting = { slowest: [2, -1], retried: [1, -1], failures: [1, -1] };

/* ---- words and numbers */

const count = n => Math.round(n).toLocaleString("en-US");
const plural = (n, word) => `${count(n)} ${word}${n === 1 ? "" : "s"}`;
const short = n => n >= 1e6 ? `${+(n / 1e6).toPrecision(3)}M` : n >= 1e4 ? `${+(n / 1e3).toPrecision(3)}k` : `${+n.toPrecision(3)}`;

function length(seconds) {
  if (seconds === null || !isFinite(seconds)) return "–";
  if (seconds < 0.0995) return `${+(seconds * 1000).toPrecision(2)} ms`;
  if (seconds < 99.5) return `${+seconds.toPrecision(2)} s`;
  if (seconds < 5970) return `${+(seconds / 60).toPrecision(2)} min`;
  if (seconds < 172800) return `${+(seconds / 3600).toPrecision(2)} h`;
  return `${+(seconds / 86400).toPrecision(2)} d`;
}

const iso = seconds => new Date(seconds * 1000).toISOString();
const sliceStart = index => data.start + data.width * index;
const fine = () => data.width < 60 ? 19 : 16;
const clock = seconds => iso(seconds).slice(11, fine());
const day = seconds => iso(seconds).slice(0, 10);
const moment = seconds => `${day(seconds)} ${iso(seconds).slice(11, fine())}`;
const spansDays = () => day(data.start) !== day(sliceStart(data.count));

function unit() {
  const perSecond = data.width <= 30, perHour = data.width >= 7200;
  return perSecond ? [1, "second"] : perHour ? [3600, "hour"] : [60, "minute"];
}

/* ---- adding up */

const wanted = (slice, worker, outcome) => slice >= chosen.from && slice <= chosen.to && chosen.outcomes.has(outcome)
  && (chosen.worker < 0 || worker === chosen.worker);

function sums() {
  const found = {
    perSlice: data.outcomes.map(() => new Float64Array(data.count)), total: 0, perOutcome: data.outcomes.map(() => 0),
    lengths: classes(), waits: classes(),
    workers: data.owners.map(() => ({ all: 0, done: 0, bad: 0, lengths: classes(), badAt: new Map() })),
  };
  const bad = new Set(BAD.map(name => data.outcomes.indexOf(name))), done = data.outcomes.indexOf("done");
  each(data.ended, 3, (slice, worker, outcome, _, n) => {
    if (chosen.outcomes.has(outcome) && (chosen.worker < 0 || worker === chosen.worker)) found.perSlice[outcome][slice] += n;
    if (!wanted(slice, worker, outcome)) return;
    found.total += n; found.perOutcome[outcome] += n;
    const one = found.workers[worker];
    one.all += n; if (outcome === done) one.done += n;
    if (bad.has(outcome)) { one.bad += n; one.badAt.set(slice, (one.badAt.get(slice) || 0) + n); }
  });
  each(data.lengths, 4, (fold, worker, outcome, at, n) => {
    const part = n * share(fold, worker, outcome);
    found.lengths[at] += part; found.workers[worker].lengths[at] += part;
  });
  each(data.waits, 4, (fold, worker, outcome, at, n) => { found.waits[at] += n * share(fold, worker, outcome); });
  return found;
}

const classes = () => new Float64Array(data.classes.count);

/* Lengths are counted for several slices together; of those cut in two by the chosen time, a part counts. */
function share(fold, worker, outcome) {
  if (!chosen.outcomes.has(outcome) || (chosen.worker >= 0 && worker !== chosen.worker)) return 0;
  const first = fold * data.fold, last = Math.min(data.count, first + data.fold);
  return Math.max(0, Math.min(last, chosen.to + 1) - Math.max(first, chosen.from)) / (last - first);
}

function each(flat, indices, tell) {
  for (let i = 0; i < flat.length; i += indices + 1)
    tell(flat[i], flat[i + 1], flat[i + 2], indices > 3 ? flat[i + 3] : 0, flat[i + indices]);
}

const classEnd = at => data.classes.shortest * 10 ** (at / data.classes.each);
const classMiddle = at => at === 0 ? data.classes.shortest : data.classes.shortest * 10 ** ((at - 0.5) / data.classes.each);

function percentile(list, share) {
  const total = list.reduce((a, b) => a + b, 0);
  let left = total * share;
  for (let at = 0; total && at < list.length; at++) { left -= list[at]; if (left <= 1e-9) return classMiddle(at); }
  return null;
}

function held() {
  const sum = new Array(data.count).fill(0);
  data.held.forEach((levels, worker) => { if (chosen.worker < 0 || worker === chosen.worker) levels.forEach((n, i) => { sum[i] += n; }); });
  return sum;
}

/* ---- drawing */

function svg(name, attributes, ...inside) {
  const made = document.createElementNS(SVG, name);
  for (const key in attributes) made.setAttribute(key, attributes[key]);
  made.append(...inside);
  return made;
}

function html(name, attributes, ...inside) {
  const made = document.createElement(name);
  for (const key in attributes) if (attributes[key] !== null) made.setAttribute(key, attributes[key]);
  made.append(...inside);
  return made;
}

const colour = name => `var(--${name})`;

function nice(most, whole) {
  if (!(most > 0)) return [1];
  const step = 10 ** Math.floor(Math.log10(most / 3)), raw = most / 3 / step;
  let width = (raw > 5 ? 10 : raw > 2 ? 5 : raw > 1 ? 2 : 1) * step;
  if (whole) width = Math.max(1, width);
  const ticks = [];
  for (let at = width; at < most + width * 0.999; at += width) ticks.push(at);
  return ticks;
}

function frame(id, most, whole) {
  const chart = byId(id), width = Math.max(260, chart.clientWidth || 900), height = +chart.getAttribute("height");
  const ticks = nice(most, whole), box = { left: 46, right: width - 8, top: 8, bottom: height - 24 };
  const top = ticks[ticks.length - 1];
  box.y = n => box.bottom - (box.bottom - box.top) * Math.min(1, n / top);
  chart.setAttribute("viewBox", `0 0 ${width} ${height}`);
  chart.replaceChildren();
  for (const tick of ticks) chart.append(
    svg("line", { x1: box.left, x2: box.right, y1: box.y(tick), y2: box.y(tick), class: "grid" }),
    svg("text", { x: box.left - 6, y: box.y(tick) + 4, "text-anchor": "end" }, short(tick)));
  chart.append(svg("line", { x1: box.left, x2: box.right, y1: box.bottom, y2: box.bottom, class: "axis" }),
    svg("text", { x: box.left - 6, y: box.bottom + 4, "text-anchor": "end" }, "0"));
  return [chart, box];
}

function timeAxis(chart, box) {
  box.x = index => box.left + (box.right - box.left) * index / data.count;
  const widths = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800];
  const room = Math.max(2, Math.floor((box.right - box.left) / 90)), span = data.width * data.count;
  const step = widths.find(width => span / width <= room) || 604800 * 4;
  let lastDay = "";
  for (let at = Math.ceil(data.start / step) * step; at < data.start + span; at += step) {
    const x = box.x((at - data.start) / data.width), today = day(at);
    const text = step >= 86400 || (spansDays() && today !== lastDay) ? today.slice(5) + (step >= 86400 ? "" : ` ${clock(at)}`) : clock(at);
    lastDay = today;
    if (x > box.right - 18) continue;
    chart.append(svg("line", { x1: x, x2: x, y1: box.bottom, y2: box.bottom + 4, class: "axis" }),
      svg("text", { x, y: box.bottom + 17, "text-anchor": x < box.left + 20 ? "start" : "middle" }, text));
  }
}

function veils(chart, box) {
  const veil = (a, b) => { if (b > a) chart.append(svg("rect", { x: box.x(a), width: box.x(b) - box.x(a), y: box.top, height: box.bottom - box.top, class: "veil" })); };
  veil(0, chosen.from); veil(chosen.to + 1, data.count);
}

function throughput(found) {
  const [seconds, word] = unit(), rate = n => n / data.width * seconds;
  const totals = Array.from({ length: data.count }, (_, i) => rate(found.perSlice.reduce((sum, list) => sum + list[i], 0)));
  const [chart, box] = frame("throughput", Math.max(...totals), false);
  timeAxis(chart, box);
  byId("rate-unit").textContent = `a ${word}, in slices of ${length(data.width)}`;
  const step = (box.right - box.left) / data.count, wide = Math.max(1, step - (step > 4 ? 1 : 0));
  for (let i = 0; i < data.count; i++) {
    let sum = 0;
    const lines = [`${moment(sliceStart(i))} – ${clock(sliceStart(i + 1))}`];
    data.outcomes.forEach((name, outcome) => {
      const n = found.perSlice[outcome][i];
      if (!n) return;
      lines.push(`${count(n)} ${WORDS[name]}`);
      const y0 = box.y(rate(sum)), y1 = box.y(rate(sum += n));
      chart.append(svg("rect", { x: box.x(i), width: wide, y: y1, height: Math.max(0.75, y0 - y1), fill: colour(name) }));
    });
    chart.append(svg("rect", { x: box.x(i), width: step, y: box.top, height: box.bottom - box.top, class: "hit" }, svg("title", {}, lines.join("\n"))));
  }
  veils(chart, box);
  chart.setAttribute("aria-label", `Ended attempts over time: ${plural(found.total, "attempt")} from ${moment(sliceStart(chosen.from))} to ${moment(sliceStart(chosen.to + 1))}, at most ${short(Math.max(0, ...totals.slice(chosen.from, chosen.to + 1)))} a ${word}.`);
  chart.slice = x => Math.min(data.count - 1, Math.max(0, Math.floor((x - box.left) / (box.right - box.left) * data.count)));
}

function area(id, levels, name, what) {
  const [chart, box] = frame(id, Math.max(...levels), true);
  timeAxis(chart, box);
  let line = "";
  levels.forEach((n, i) => { line += `${i ? "L" : "M"}${box.x(i).toFixed(1)},${box.y(n).toFixed(1)}L${box.x(i + 1).toFixed(1)},${box.y(n).toFixed(1)}`; });
  chart.append(svg("path", { d: `${line}L${box.right},${box.bottom}L${box.left},${box.bottom}Z`, fill: colour(name), opacity: 0.2 }),
    svg("path", { d: line, fill: "none", stroke: colour(name), "stroke-width": 1.6 }));
  levels.forEach((n, i) => chart.append(svg("rect", { x: box.x(i), width: (box.right - box.left) / data.count, y: box.top, height: box.bottom - box.top, class: "hit" },
    svg("title", {}, `${moment(sliceStart(i))}: ${short(n)} ${what} on average`))));
  veils(chart, box);
  const inside = levels.slice(chosen.from, chosen.to + 1);
  chart.setAttribute("aria-label", `Jobs ${what} over time: at most ${short(Math.max(0, ...inside))}, in the end ${short(inside[inside.length - 1] || 0)}.`);
}

function histogram(id, list, what) {
  const total = list.reduce((a, b) => a + b, 0);
  const [chart, box] = frame(id, Math.max(...list), true);
  if (!total) {
    chart.append(svg("text", { x: box.left + 12, y: 40 }, "Nothing to show for this choice."));
    chart.setAttribute("aria-label", `${what}: nothing to show.`);
    byId(`${id}-told`).textContent = "";
    return;
  }
  const filled = [...list.keys()].filter(at => list[at] > 0);
  const first = Math.max(0, filled[0] - 2), last = Math.max(filled[filled.length - 1] + 2, first + 10);
  const place = at => box.left + (box.right - box.left) * (at - first) / (last - first + 1);
  list.forEach((n, at) => { if (n) chart.append(svg("rect", { x: place(at) + 0.5, width: Math.max(1, place(at + 1) - place(at) - 1), y: box.y(n), height: box.bottom - box.y(n), fill: colour("running"), opacity: 0.85 },
    svg("title", {}, `${at ? length(classEnd(at - 1)) + " – " : "up to "}${length(classEnd(at))}: ${count(n)}`))); });
  let free = -99;
  const ticks = last - first > 24 ? [0.001, 0.01, 0.1, 1, 10, 60, 600, 3600, 36000, 86400, 864000]
    : [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60, 120, 300, 600, 1200, 3600, 7200, 18000, 36000, 86400, 172800, 864000];
  for (const tick of ticks) {
    const x = place(1 + Math.log10(tick / data.classes.shortest) * data.classes.each);
    if (x < box.left || x > box.right - 14 || x - free < 44) continue;
    free = x;
    chart.append(svg("line", { x1: x, x2: x, y1: box.bottom, y2: box.bottom + 4, class: "axis" }), svg("text", { x, y: box.bottom + 17, "text-anchor": "middle" }, length(tick)));
  }
  const told = [], labels = [];
  for (const share of [50, 95, 99]) {
    const seconds = percentile(list, share / 100);
    const x = place(Math.max(0.5, 1 + Math.log10(seconds / data.classes.shortest) * data.classes.each));
    told.push(`${share} % within ${length(seconds)}`);
    const before = labels.find(label => Math.abs(label.x - x) < 22);
    chart.append(svg("line", { x1: x, x2: x, y1: box.top, y2: box.bottom, class: "mark" }));
    if (before) before.text += `, ${share}`; else labels.push({ x, text: `${share}` });
  }
  for (const { x, text } of labels) {
    const flip = x > box.right - 60;
    chart.append(svg("text", { x: x + (flip ? -4 : 4), y: box.top + 6, "text-anchor": flip ? "end" : "start" }, `${text} %`));
  }
  byId(`${id}-told`).textContent = told.join(", ");
  chart.setAttribute("aria-label", `${what}: ${plural(total, "attempt")}; ${told.join(", ")}.`);
}

function tile(name, value, more) {
  return html("dl", { class: "tile" }, html("dt", {}, name), html("dd", {}, value), html("dd", {}, more));
}

function tiles(found) {
  const of = name => found.perOutcome[data.outcomes.indexOf(name)];
  const seconds = (chosen.to - chosen.from + 1) * data.width, [per, word] = unit(), bad = BAD.reduce((sum, name) => sum + of(name), 0);
  const now = data.counts;
  byId("tiles").replaceChildren(
    tile("Done", count(of("done")), `${short(of("done") / seconds * per)} a ${word}`),
    tile("Failed attempts", count(bad), found.total ? `${(100 * bad / found.total).toFixed(1)} % of all` : "none at all"),
    tile("Failed for good", count(of("gave_up")), `${count(now.failed)} in failed/ now`),
    tile("An attempt takes", length(percentile(found.lengths, 0.5)), `95 % within ${length(percentile(found.lengths, 0.95))}`),
    tile("A job waits", length(percentile(found.waits, 0.5)), `95 % within ${length(percentile(found.waits, 0.95))}`),
    tile("Waiting now", count(now.ready + now.delayed), `${count(now.delayed)} of them delayed`),
    tile("Running now", count(now.leased), `of ${plural(data.owners.length, "worker")} seen`));
}

function workers(found) {
  const rows = data.owners.map((name, worker) => {
    const one = found.workers[worker], levels = data.held[worker], most = Math.max(...levels, 0.01);
    const strip = svg("svg", { viewBox: `0 0 ${data.count} 20`, preserveAspectRatio: "none", height: 22, role: "img",
      "aria-label": `held at most ${short(most)} at a time, failures in ${plural(one.badAt.size, "slice")}` });
    levels.forEach((n, i) => { if (n > 0) strip.append(svg("rect", { x: i, width: 1.02, y: 0, height: 15, fill: colour("running"), opacity: 0.18 + 0.82 * n / most },
      svg("title", {}, `${moment(sliceStart(i))}: ${short(n)} held on average`))); });
    const worst = Math.max(...one.badAt.values());
    for (const [i, n] of one.badAt) strip.append(svg("rect", { x: i, width: 1.02, y: 16, height: 4, fill: colour("gave_up"), opacity: 0.25 + 0.75 * n / worst }));
    if (chosen.from > 0) strip.append(svg("rect", { x: 0, width: chosen.from, y: 0, height: 20, class: "veil" }));
    if (chosen.to < data.count - 1) strip.append(svg("rect", { x: chosen.to + 1, width: data.count - chosen.to - 1, y: 0, height: 20, class: "veil" }));
    const pick = html("button", { type: "button", class: "pick", title: chosen.worker === worker ? "Show all workers" : "Show this worker only" }, name);
    pick.addEventListener("click", () => { chosen.worker = chosen.worker === worker ? -1 : worker; update(); });
    const cells = [one.all, one.done, one.bad].map(n => html("td", { class: "number" }, count(n)));
    return html("tr", { "data-worker": name, hidden: chosen.worker < 0 || chosen.worker === worker ? null : "" }, html("th", { scope: "row" }, pick), html("td", { class: "strip" }, strip),
      ...cells, html("td", { class: "number" }, length(percentile(one.lengths, 0.5))));
  });
  byId("workers").tBodies[0].replaceChildren(...(rows.length ? rows : [nothing(6)]));
}

/* ---- lists */

const nothing = columns => html("tr", {}, html("td", { colspan: columns, class: "empty" }, "Nothing to show for this choice."));
const badge = outcome => html("span", { class: "badge" }, swatch(data.outcomes[outcome]), WORDS[data.outcomes[outcome]]);

function swatch(name) {
  const drawn = svg("svg", { class: "swatch", viewBox: "0 0 10 10", "aria-hidden": "true" });
  drawn.append(svg("rect", { width: 10, height: 10, rx: 2, fill: colour(name) }));
  return drawn;
}

const columns = {
  attempts: [["Job", "id", row => row[3], 3], ["Attempt", "number", row => count(row[4]), 4], ["Took", "number", row => length(row[5]), 5],
    ["Ended", "when", row => moment(row[6]), 6], ["Outcome", "", row => badge(row[2]), 2], ["Worker", "", row => row[8], 8], ["Reason", "reason", row => row[7], 7]],
  retried: [["Job", "id", row => row[3], 3], ["Attempts", "number", row => count(row[4]), 4], ["Last ended", "when", row => moment(row[6]), 6],
    ["Outcome", "", row => badge(row[2]), 2], ["Worker", "", row => row[8], 8], ["Reason", "reason", row => row[7], 7]],
  failures: [["Reason", "reason", row => row[0], 0], ["Attempts", "number", row => count(row[1]), 1], ["Workers", "number", row => count(row[2]), 2],
    ["Last", "when", row => moment(row[3]), 3], ["For example", "id", row => row[4], 4]],
};

function list(id, head, rows) {
  const table = byId(id), [column, direction] = sorting[id];
  const compare = (a, b) => { a = a[head[column] ? head[column][3] : 0]; b = b[head[column] ? head[column][3] : 0]; return (a < b ? -1 : a > b ? 1 : 0) * direction; };
  const focused = table.contains(document.activeElement) ? document.activeElement.dataset.column : undefined;
  table.tHead.replaceChildren(html("tr", {}, ...head.map(([name, kind], at) => {
    const button = html("button", { type: "button", "data-column": at }, name);
    button.addEventListener("click", () => { sorting[id] = [at, sorting[id][0] === at ? -sorting[id][1] : kind === "number" || kind === "when" ? -1 : 1]; update(); });
    return html("th", { scope: "col", class: kind === "number" ? "number" : null, "aria-sort": at === column ? (direction < 0 ? "descending" : "ascending") : null }, button);
  })));
  const shown = rows.sort(compare).slice(0, 50).map(row => html("tr", {}, ...head.map(([, kind, show]) => html("td", { class: kind || null }, show(row)))));
  table.tBodies[0].replaceChildren(...(shown.length ? shown : [nothing(head.length)]));
  if (focused !== undefined) table.querySelector(`[data-column="${Number(focused)}"]`)?.focus();
}

function lists() {
  const words = chosen.words.toLowerCase(), says = (...texts) => !words || texts.some(text => text.toLowerCase().includes(words));
  const fits = row => wanted(row[0], row[1], row[2]) && says(row[3], row[7], row[8]);
  list("slowest", columns.attempts, data.slowest.filter(fits));
  list("retried", columns.retried, data.retried.filter(fits));
  const groups = [];
  for (const { kind, last, cells } of data.failures) {
    let sum = 0, latest = -1;
    const seen = new Set();
    each(cells, 3, (slice, worker, outcome, _, n) => { if (wanted(slice, worker, outcome)) { sum += n; seen.add(worker); latest = Math.max(latest, slice); } });
    if (sum && says(kind, last[3], last[7], last[8])) groups.push([kind, sum, seen.size, wanted(last[0], last[1], last[2]) ? last[6] : sliceStart(latest), last[3]]);
  }
  list("failures", columns.failures, groups);
}

/* ---- choosing */

function controls() {
  byId("worker").replaceChildren(html("option", { value: -1 }, "all workers"), ...data.owners.map((name, at) => html("option", { value: at }, name)));
  const boxes = data.outcomes.map((name, at) => {
    const box = html("input", { type: "checkbox", value: at, id: `outcome-${name}` });
    box.addEventListener("change", () => { box.checked ? chosen.outcomes.add(at) : chosen.outcomes.delete(at); update(); });
    return html("label", {}, box, swatch(name), WORDS[name]);
  });
  byId("outcomes").replaceChildren(html("legend", {}, "Outcome"), ...boxes);
  for (const end of ["from", "to"]) byId(end).max = data.count - 1;
}

function shown() {
  byId("worker").value = chosen.worker;
  byId("words").value = chosen.words;
  data.outcomes.forEach((name, at) => { byId(`outcome-${name}`).checked = chosen.outcomes.has(at); });
  for (const [end, at] of [["from", chosen.from], ["to", chosen.to + 1]]) {
    byId(end).value = chosen[end];
    byId(`${end}-told`).textContent = spansDays() ? moment(sliceStart(at)) : clock(sliceStart(at));
    byId(end).setAttribute("aria-valuetext", moment(sliceStart(at)));
  }
}

function remember() {
  const parts = new URLSearchParams();
  if (chosen.worker >= 0) parts.set("worker", data.owners[chosen.worker]);
  if (chosen.outcomes.size < data.outcomes.length) parts.set("outcomes", [...chosen.outcomes].sort().map(at => data.outcomes[at]).join(","));
  if (chosen.words) parts.set("find", chosen.words);
  if (chosen.from > 0) parts.set("from", iso(sliceStart(chosen.from)));
  if (chosen.to < data.count - 1) parts.set("to", iso(sliceStart(chosen.to + 1)));
  const hash = parts.toString();
  if (hash !== location.hash.slice(1)) history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
}

function recall() {
  const parts = new URLSearchParams(location.hash.slice(1)), slice = text => (Date.parse(text) / 1000 - data.start) / data.width;
  const inside = (at, otherwise) => isFinite(at) ? Math.min(data.count - 1, Math.max(0, Math.round(at))) : otherwise;
  chosen.worker = data.owners.indexOf(parts.get("worker"));
  chosen.words = parts.get("find") || "";
  if (parts.has("outcomes")) chosen.outcomes = new Set(parts.get("outcomes").split(",").map(name => data.outcomes.indexOf(name)).filter(at => at >= 0));
  chosen.from = inside(slice(parts.get("from") || ""), 0);
  chosen.to = Math.max(chosen.from, inside(slice(parts.get("to") || "") - 1, data.count - 1));
}

function listen() {
  byId("filters").addEventListener("submit", event => event.preventDefault());
  byId("filters").addEventListener("reset", event => {
    event.preventDefault();
    Object.assign(chosen, { from: 0, to: data.count - 1, worker: -1, outcomes: new Set(data.outcomes.keys()), words: "" });
    update();
  });
  byId("worker").addEventListener("change", event => { chosen.worker = Number(event.target.value); update(); });
  byId("words").addEventListener("input", event => { chosen.words = event.target.value; update(); });
  byId("from").addEventListener("input", event => { chosen.from = Number(event.target.value); chosen.to = Math.max(chosen.to, chosen.from); update(); });
  byId("to").addEventListener("input", event => { chosen.to = Number(event.target.value); chosen.from = Math.min(chosen.from, chosen.to); update(); });
  const chart = byId("throughput"), at = event => chart.slice(event.clientX - chart.getBoundingClientRect().left);
  let begun = null;
  chart.addEventListener("pointerdown", event => { if (event.button === 0) { begun = at(event); chart.setPointerCapture(event.pointerId); } });
  chart.addEventListener("pointermove", event => { if (begun !== null && at(event) !== begun) { chosen.from = Math.min(begun, at(event)); chosen.to = Math.max(begun, at(event)); update(); } });
  for (const end of ["pointerup", "pointercancel"]) chart.addEventListener(end, () => { begun = null; });
  let width = innerWidth;
  addEventListener("resize", () => { if (innerWidth !== width) { width = innerWidth; update(); } });
}

/* ---- all of it */

function about() {
  document.title = `spoolq report of ${data.spool}`;
  byId("spool").textContent = data.spool;
  byId("made").textContent = `${moment(data.start)} to ${moment(Date.parse(data.made_at) / 1000)} UTC · ${plural(data.attempts, "ended attempt")} · `
    + `${count(data.counts.ready)} ready, ${count(data.counts.delayed)} delayed, ${count(data.counts.leased)} leased, ${count(data.counts.done)} done, ${count(data.counts.failed)} failed now`;
  byId("paused").hidden = data.paused === null;
  byId("paused").textContent = data.paused === null ? "" : `Paused${data.paused ? `: ${data.paused}` : ""}`;
  const notes = ["Lengths are counted in classes a third wide, so percentiles are that exact. Jobs taken in one batch share the time they were taken at."];
  if (data.untold) notes.push(`${plural(data.untold, "ended job")} that the journal does not tell of ${data.untold === 1 ? "is" : "are"} left out.`);
  if (data.is_cut) notes.push(`Only the latest ${count(data.attempts)} attempts are told.`);
  byId("notes").replaceChildren(...notes.map(note => html("p", {}, note)));
}

function update() {
  const found = sums();
  shown(); tiles(found); throughput(found);
  area("waiting", data.waiting, "waiting", "waiting");
  area("running", held(), "running", "running");
  histogram("lengths", found.lengths, "How long attempts took");
  histogram("waits", found.waits, "How long jobs waited");
  workers(found); lists(); remember();
  byId("selected").textContent = `${plural(found.total, "attempt")} chosen, ${moment(sliceStart(chosen.from))} to ${moment(sliceStart(chosen.to + 1))} UTC`
    + (chosen.worker >= 0 ? `, worker ${data.owners[chosen.worker]}` : "");
}

async function renew() {
  try {
    const answer = await fetch("data.json", { cache: "no-store" });
    if (!answer.ok) return;
    const whole = chosen.from === 0 && chosen.to === data.count - 1;
    remember();
    data = await answer.json();
    controls(); recall();
    if (whole) { chosen.from = 0; chosen.to = data.count - 1; }
    about(); update();
  } catch { /* the server is away: what is shown stays */ }
}

controls(); recall(); listen(); about(); update();
addEventListener("hashchange", () => { recall(); update(); });
const live = Number(document.documentElement.dataset.live);
if (live > 0) setInterval(() => { if (!document.hidden) renew(); }, live * 1000);
